// JSON Schemas, for people to read.
import { h } from './dom.js';

const most = 6; // levels

/** typeText is a type in a few words. */
export function typeText(schema) {
  if (typeof schema !== 'object' || schema === null) return 'anything';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (typeof schema.$ref === 'string') return schema.$ref.replace(/^.*\//, '');
  for (const key of ['oneOf', 'anyOf']) {
    if (Array.isArray(schema[key])) return [...new Set(schema[key].map(typeText))].join(' or ');
  }
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type ?? (schema.properties ? 'object' : 'anything');
  if (type === 'array') return schema.items ? `array of ${typeText(schema.items)}` : 'array';
  return schema.format ? `${type} (${schema.format})` : type;
}

/** bounds are what else a value has to satisfy. */
function bounds(schema) {
  const texts = {
    minimum: 'at least #', maximum: 'at most #', exclusiveMinimum: 'more than #', exclusiveMaximum: 'less than #', multipleOf: 'a multiple of #',
    minLength: 'at least # characters', maxLength: 'at most # characters', minItems: 'at least # items', maxItems: 'at most # items', pattern: 'pattern #',
  };
  const found = Object.entries(texts).filter(([key]) => schema[key] !== undefined).map(([key, text]) => text.replace('#', () => schema[key]));
  if (schema.default !== undefined) found.push(`default ${JSON.stringify(schema.default)}`);
  return found.join(', ');
}

/** rows are the properties of a schema, those inside after what they are in. */
function rows(schema, prefix, level) {
  if (level > most) return [];
  const required = new Set(Array.isArray(schema?.required) ? schema.required : []);
  return Object.entries(schema?.properties ?? {}).flatMap(([name, property]) => {
    const value = typeof property === 'object' && property !== null ? property : {};
    const inner = value.type === 'array' && value.items ? [value.items, `${prefix}${name}[].`] : [value, `${prefix}${name}.`];
    return [
      h('tr', null,
        h('td', null, h('code', null, prefix + name)),
        h('td', null, typeText(value)),
        h('td', null, required.has(name) ? 'yes' : 'no'),
        h('td', null, [value.description, bounds(value)].filter(Boolean).join(' — '))),
      ...rows(inner[0], inner[1], level + 1),
    ];
  });
}

/** schemaTable shows the properties of an object. */
export function schemaTable(schema, caption) {
  const list = rows(schema, '', 0);
  if (list.length === 0) return h('p', { class: 'quiet' }, 'None.');
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', null,
      h('thead', null, h('tr', null, ['Name', 'Type', 'Required', 'Description'].map((title) => h('th', { scope: 'col' }, title)))),
      h('tbody', null, list)));
}

/** example is a value that the schema describes, with what is required. */
export function example(schema, level = 0) {
  if (typeof schema !== 'object' || schema === null || level > most) return null;
  for (const key of ['default', 'const']) if (schema[key] !== undefined) return schema[key];
  if (schema.examples?.length) return schema.examples[0];
  if (schema.example !== undefined) return schema.example;
  if (schema.enum?.length) return schema.enum[0];
  for (const key of ['oneOf', 'anyOf', 'allOf']) if (schema[key]?.length) return example(schema[key][0], level + 1);
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  switch (type ?? (schema.properties ? 'object' : '')) {
    case 'object':
      return Object.fromEntries((schema.required ?? []).map((name) => [name, example(schema.properties?.[name], level + 1)]));
    case 'array': return schema.minItems > 0 ? [example(schema.items, level + 1)] : [];
    case 'integer': return Math.ceil(schema.minimum ?? 1);
    case 'number': return schema.minimum ?? 1;
    case 'boolean': return true;
    case 'string': return { date: '2026-01-31', 'date-time': '2026-01-31T12:00:00Z', email: 'ada@contoso.com', uri: 'https://contoso.com/' }[schema.format] ?? 'text';
    default: return null;
  }
}
