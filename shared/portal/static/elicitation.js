// What a server asks its caller in the middle of a call (elicitation, by forms).
import { h } from './dom.js';

let forms = 0;

/** field is an input for one property of a requested schema, and how to read it. */
function field(id, name, schema, required) {
  const label = h('label', { for: id }, schema.title ?? name);
  const note = schema.description && h('p', { class: 'quiet' }, schema.description);
  const options = schema.enum ?? schema.oneOf?.map((one) => one.const);
  if (options) {
    const titles = schema.enumNames ?? schema.oneOf?.map((one) => one.title) ?? options;
    const select = h('select', { id, required }, h('option', { value: '' }, 'Choose'), options.map((value, i) => h('option', { value }, titles[i] ?? value)));
    return { parts: [label, select, note], read: () => select.value || undefined };
  }
  if (schema.type === 'boolean') {
    const box = h('input', { id, type: 'checkbox' });
    box.checked = schema.default === true;
    return { parts: [label, box, note], read: () => box.checked };
  }
  const number = schema.type === 'number' || schema.type === 'integer';
  const input = h('input', { id, required, type: number ? 'number' : 'text', step: number && (schema.type === 'integer' ? '1' : 'any'), value: schema.default });
  return { parts: [label, input, note], read: () => (input.value === '' ? undefined : number ? Number(input.value) : input.value) };
}

/** answerable tells whether all that a result asks for can be asked here. */
export function answerable(result) {
  const requests = Object.values(result.inputRequests ?? {});
  return requests.length > 0 && requests.every(({ method, params }) => method === 'elicitation/create' && (params?.mode ?? 'form') === 'form');
}

/** questions asks what a result asks for, and gives the answers to answer. */
export function questions(result, answer) {
  const number = ++forms;
  const readers = [];
  const parts = Object.entries(result.inputRequests).map(([key, { params }]) => {
    const required = new Set(params.requestedSchema?.required ?? []);
    const fields = Object.entries(params.requestedSchema?.properties ?? {}).map(([name, schema], i) => [name, field(`answer-${number}-${readers.length}-${i}`, name, schema, required.has(name))]);
    readers.push([key, fields]);
    return h('fieldset', null, h('legend', null, 'The server asks'), h('pre', { tabindex: '0' }, params.message ?? ''), fields.map(([, { parts: own }]) => own));
  });
  const answers = (action) => Object.fromEntries(readers.map(([key, fields]) => [key, action === 'accept'
    ? { action, content: Object.fromEntries(fields.map(([name, { read }]) => [name, read()]).filter(([, value]) => value !== undefined)) }
    : { action }]));
  return h('form', { class: 'questions', onsubmit: (event) => { event.preventDefault(); answer(answers('accept')); } },
    parts, h('div', { class: 'row' },
      h('button', { type: 'submit', class: 'primary' }, 'Answer'),
      h('button', { type: 'button', onclick: () => answer(answers('decline')) }, 'Decline')));
}
