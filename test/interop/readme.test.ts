// README.md of this folder shows people the very code that the tests run.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

test('every piece of code in README.md is a file of this folder, word for word', async () => {
  const shown = [...(await read('README.md')).matchAll(/^```(?:ts|js)\n(.*?)^```$/gms)].map(([, code]) => code)
  const files = ['certificate-websocket.ts', 'stanza-login.ts', 'strophe-login.ts', 'xmpp-js-login.ts', 'certificate-requests.ts', 'strophe-bosh-login.ts',
    'stanza-bosh-login.ts', 'page/login.mjs']
  assert.deepEqual(shown, await Promise.all(files.map(read)))
})
