// Runs a plan, a list of requests, with a connected client of one of the
// TypeScript SDKs, and prints what came of each as one JSON array. The tests in
// tests/interop write the plans and judge the answers.
//
// A step is {"method", "params", "progress": true if its progress is wanted};
// an answer is {"result"} or {"error": {"code", "message"}}, and "progress".

// What the clients answer when a server asks for input.
export const userInput = { action: 'accept', content: { name: 'Ada', username: 'ada' } };

// oneByOne hands a client its messages one a turn of the event loop. The SDKs begin to handle
// a notification in a microtask and a response at once, with which they forget who wants
// its progress: of messages that arrive together, the last progress would be lost.
function oneByOne(transport) {
  const receive = transport.onmessage;
  transport.onmessage = (...message) => setImmediate(receive, ...message);
}

export async function run(client, callTool, plan) {
  oneByOne(client.transport);
  const methods = {
    'tools/list': (params, options) => client.listTools(params, options),
    'tools/call': callTool,
    'resources/list': (params, options) => client.listResources(params, options),
    'resources/templates/list': (params, options) => client.listResourceTemplates(params, options),
    'resources/read': (params, options) => client.readResource(params, options),
    'prompts/list': (params, options) => client.listPrompts(params, options),
    'prompts/get': (params, options) => client.getPrompt(params, options),
    'completion/complete': (params, options) => client.complete(params, options),
  };
  const answers = [];
  for (const step of plan) {
    const progress = [];
    const options = step.progress ? { onprogress: (p) => progress.push(p) } : undefined;
    let answer;
    try {
      answer = { result: await methods[step.method](step.params, options) };
    } catch (error) {
      answer = { error: { code: error.code, message: error.message } };
    }
    answers.push(step.progress ? { ...answer, progress } : answer);
  }
  await client.close();
  process.stdout.write(JSON.stringify(answers));
}
