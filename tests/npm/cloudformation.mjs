// Validates CloudFormation templates with AWS's own validator, offline, and prints the
// diagnostics of each as one JSON array.
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate';

const engine = new CelEngine();
try {
  const reports = process.argv.slice(2).map((path) => engine.validateStandard(new TemplateFile(path)));
  for (const { filePath, status } of reports) {
    if (status !== 'OK') throw new Error(`validating ${filePath} ended with ${status}`);
  }
  process.stdout.write(JSON.stringify(reports.map((report) => report.diagnostics)));
} finally {
  engine.free();
}
