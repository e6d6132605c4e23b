// A gateway with accounts of its own, and `meerkat user` beside it while it runs.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, before, test } from 'node:test'
import { userCommand } from '../../src/commands/user.ts'
import { carriers } from '../external/visitor.ts'
import { Gateway } from '../support/gateway.ts'
import { passwordToml } from '../support/password-accounts.ts'
import { byCertificate, byPlain, byScram, outcome, visit } from './log-in.ts'

let gateway: Gateway
before(async () => { gateway = await Gateway.start({ toml: passwordToml }) })
after(() => gateway.stop())

async function user(verb: string, jid: string, password = ''): Promise<string> {
  let printed = ''
  const input = new PassThrough()
  input.end(`${password}\n`)
  const surroundings = { root: gateway.folder, version: '0', print: (text: string) => { printed += text }, printError: (text: string) => { printed += text } }
  await userCommand({ input: () => input, say: () => undefined }).run([verb, jid, '--config', join(gateway.folder, 'meerkat.toml')], surroundings)
  return printed
}

test('before the first account is made no mechanism for passwords is offered, none works, and there is no database', async () => {
  for (const carrier of carriers) {
    assert.deepEqual(await visit(gateway, carrier, byCertificate, await gateway.identity('alice')), ['EXTERNAL', 'alice@localhost'])
    for (const logIn of [byScram('juliet', 'of juliet'), byPlain('juliet', 'of juliet')]) assert.equal(await outcome(gateway, carrier, logIn), 'invalid-mechanism')
  }
  assert.equal(existsSync(join(gateway.folder, 'data', 'meerkat.sqlite')), false)
})

test('who is added may log in at once, over every transport; another password counts from the next login on; who is deleted may not', async () => {
  assert.equal(await user('add', 'juliet@localhost', 'of juliet'), 'added juliet@localhost (internal)')
  for (const carrier of carriers) {
    for (const hash of ['sha1', 'sha256', 'sha512'] as const) assert.equal(await outcome(gateway, carrier, byScram('juliet', 'of juliet', hash)), 'juliet@localhost')
    assert.equal(await outcome(gateway, carrier, byPlain('juliet', 'of juliet')), 'juliet@localhost')
    assert.equal(await outcome(gateway, carrier, byScram('juliet', 'of romeo')), 'not-authorized')
  }
  await user('passwd', 'juliet@localhost', 'of the capulets')
  for (const carrier of carriers) {
    assert.equal(await outcome(gateway, carrier, byScram('juliet', 'of juliet')), 'not-authorized')
    assert.equal(await outcome(gateway, carrier, byScram('juliet', 'of the capulets')), 'juliet@localhost')
  }
  await user('delete', 'juliet@localhost')
  for (const carrier of carriers) {
    for (const logIn of [byScram('juliet', 'of the capulets'), byPlain('juliet', 'of the capulets')]) assert.equal(await outcome(gateway, carrier, logIn), 'not-authorized')
  }
})
