// Plays calls.json with node-redis against one server: node calls.mjs PORT [2 | 3]
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createClient } from 'redis';

const [port, protocol] = process.argv.slice(2).map(Number);
const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, RESP: protocol });
client.on('error', () => {});
await client.connect();

// The client's methods by the commands' names in small letters.
const methods = new Map();
for (let type = client; type; type = Object.getPrototypeOf(type)) {
  for (const name of Object.getOwnPropertyNames(type)) methods.set(name.toLowerCase(), methods.get(name.toLowerCase()) ?? name);
}

async function run(step) {
  if (step.raw) return client.sendCommand(step.raw);
  if (step.pipeline) return Promise.all(step.pipeline.map((words) => client.sendCommand(words)));
  const [name, ...values] = step.call;
  if (name === 'scan') {
    const keys = [];
    for await (const some of client.scanIterator({ MATCH: 'c:*', COUNT: 3 })) keys.push(...[some].flat());
    return keys.sort();
  }
  if (step.options) values.push(options(name, step.options));
  return client[methods.get(name)](...values);
}

function options(name, given) {
  const upper = Object.entries(given).map(([key, value]) => [key.toUpperCase(), value]);
  return name === 'getex' ? { type: upper[0][0], value: upper[0][1] } : Object.fromEntries(upper);
}

// Numbers with a fraction are texts for this client.
const plain = (answer, expected) => (typeof expected === 'number' && typeof answer === 'string' ? Number(answer) : answer);

const steps = JSON.parse(readFileSync(new URL('calls.json', import.meta.url), 'utf8'));
for (const step of steps) {
  const where = JSON.stringify(step);
  if (step.error) {
    await assert.rejects(run(step), (e) => e.message.includes(step.error), where);
  } else {
    const expected = step.answers ?? step.keys ?? step.answer;
    assert.deepEqual(plain(await run(step), expected), expected, where);
  }
}
await client.close();
console.log(`${steps.length} steps played by node-redis in RESP${protocol}`);
