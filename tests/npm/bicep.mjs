// Parses Bicep files with the tree-sitter grammar and prints what it cannot read, as
// one JSON array of {"path", "line", "column", "text"}, both numbers from 1.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(fileURLToPath(import.meta.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm'))));

function* faults(node) {
  if (node.isError || node.isMissing) yield node;
  for (const child of node.children) yield* faults(child);
}

const found = process.argv.slice(2).flatMap((path) =>
  [...faults(parser.parse(readFileSync(path, 'utf8')).rootNode)].map((node) => ({
    path,
    line: node.startPosition.row + 1,
    column: node.startPosition.column + 1,
    text: node.isMissing ? `${node.type} is missing` : node.text.slice(0, 60),
  })),
);
process.stdout.write(JSON.stringify(found));
