// The programs that the project's README shows do what it says, as they stand there.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { emailName } from '../../src/x509/certificate-writer.ts'
import { issueToFolder } from '../../src/x509/development-folder.ts'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'
import { defaultToml, Gateway } from '../support/gateway.ts'
import { WireClient } from '../support/wire-client.ts'
import { inTime } from './inbox.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** The piece of code below the comment that names it. */
function programNamed(name: string): string {
  const code = new RegExp(`<!-- ${name} -->\\n\`\`\`\\w+\\n([^]*?)\`\`\`\\n`).exec(readme)?.[1]
  assert.ok(code !== undefined, `README.md shows no ${name}`)
  return code
}

/** A person at a terminal. */
class Terminal {
  readonly #program: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(folder: string, ...words: readonly string[]) {
    this.#program = spawn(process.execPath, ['chat.mjs', ...words], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#program.stdout! })[Symbol.asyncIterator]()
  }

  type(line: string): void { this.#program.stdin!.write(`${line}\n`) }

  async read(): Promise<string> { return String((await inTime('a line of chat.mjs', this.#lines.next())).value) }

  /** Ctrl-D. Resolves with the exit code. */
  async end(): Promise<unknown> {
    const exit = once(this.#program, 'exit')
    this.#program.stdin!.end()
    return (await inTime('the end of chat.mjs', exit))[0]
  }

  kill(): void { this.#program.kill() }
}

describe('chat.mjs of the README', () => {
  let gateway: Gateway
  let folder: string
  const terminals: Terminal[] = []

  before(async () => {
    gateway = await Gateway.start()
    folder = await mkdtemp(join(tmpdir(), 'meerkat-chat-'))
    await writeFile(join(folder, 'chat.mjs'), programNamed('chat.mjs'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  })
  after(async () => {
    for (const terminal of terminals) terminal.kill()
    await gateway.stop()
    await rm(folder, { recursive: true })
  })

  function sit(me: string, other: string): Terminal {
    const terminal = new Terminal(folder, me, other, join(gateway.folder, 'certs'), gateway.url())
    terminals.push(terminal)
    return terminal
  }

  test('alice and bob talk, each in a terminal; what alice says when bob has gone, he reads when he is back', async () => {
    const bob = sit('bob', 'alice')
    assert.match(await bob.read(), /^You are bob@localhost\/\S+ What you type goes to alice@localhost/)
    const alice = sit('alice', 'bob')
    assert.match(await alice.read(), /^You are alice@localhost\//)

    alice.type('Wherefore art thou Romeo?')
    assert.match(await bob.read(), /^alice@localhost\/\S+: Wherefore art thou Romeo\?$/)
    bob.type('I am Bob.')
    assert.match(await alice.read(), /^bob@localhost\/\S+: I am Bob\.$/)

    assert.equal(await bob.end(), 0)
    alice.type('Bob?')
    assert.equal(await alice.end(), 0)
    const again = sit('bob', 'alice')
    const lines = [await again.read(), await again.read()].join('\n')
    assert.match(lines, /^You are bob@localhost\/\S+/m)
    assert.match(lines, /^alice@localhost\/\S+: Bob\?$/m)
    assert.equal(await again.end(), 0)
  })

  test('a message that reaches nobody comes back', async () => {
    const alice = sit('alice', 'nobody.at.all')
    assert.match(await alice.read(), /^You are alice@localhost\//)
    alice.type('Bob?')
    assert.equal(await alice.read(), 'nobody.at.all@localhost did not get it.')
    assert.equal(await alice.end(), 0)
  })
})

test('mapping.mjs of the README makes u1234 of "Jane Doe (1234)", and refuses a name without a number', async () => {
  const gateway = await Gateway.start({
    toml: `${defaultToml}\n[auth]\nsasl_external = [{ module = "./mapping.mjs" }]\n`,
    async prepare(folder) {
      await writeFile(join(folder, 'mapping.mjs'), programNamed('mapping.mjs'))
      for (const [fileName, commonName] of [['jane', 'Jane Doe (1234)'], ['john', 'John Doe']] as const) {
        await issueToFolder({ folder: join(folder, 'certs'), now: Date.now(), xmppAddrs: [], commonName, fileName })
      }
    },
  })
  try {
    const jane = await WireClient.open(gateway, { identity: await gateway.identity('jane') })
    await jane.authenticate()
    assert.equal(await jane.bind('here'), 'u1234@localhost/here')
    await jane.quit()
    const john = await WireClient.open(gateway, { identity: await gateway.identity('john') })
    await assert.rejects(john.authenticate(), /not-authorized/)
    await john.quit()
  } finally {
    await gateway.stop()
  }
})

describe('email-mapping.ts of the README', () => {
  const authority = makeAuthority()
  let gateway: Gateway
  before(async () => {
    gateway = await Gateway.start({
      toml: `${defaultToml.replace('certs/ca.crt', 'authority.crt')}\n[auth]\nsasl_external = [{ module = "./email-mapping.ts" }]\n`, users: [],
      async prepare(folder) {
        await writeFile(join(folder, 'email-mapping.ts'), programNamed('email-mapping.ts'))
        await writeFile(join(folder, 'authority.crt'), authority.certificatePem)
      },
    })
  })
  after(async () => { await gateway.stop() })

  /** Who the holder of a certificate with these addresses becomes, or why it becomes nobody. */
  async function becomes(addresses: readonly string[], authzid = '='): Promise<string> {
    const { certificatePem, privateKeyPem } = makeLeaf(authority, { altNames: addresses.map(emailName) })
    const client = await WireClient.open(gateway, { identity: { cert: certificatePem, key: privateKeyPem } })
    try {
      await client.authenticate({ authzid: authzid === '=' ? authzid : Buffer.from(authzid).toString('base64') })
      return await client.bind('here')
    } catch (error) {
      return /[a-z]+-[a-z]+/.exec(String(error))?.[0] ?? String(error)
    } finally {
      await client.quit()
    }
  }

  test('makes romeo of romeo@mail.example, whether or not the client says so', async () => {
    assert.equal(await becomes(['Romeo@Mail.Example', 'romeo@elsewhere.example']), 'romeo@localhost/here')
    assert.equal(await becomes(['romeo@mail.example'], 'romeo@localhost'), 'romeo@localhost/here')
  })
  test('leaves the choice among several to the client', async () => {
    assert.equal(await becomes(['romeo@mail.example', 'juliet@mail.example']), 'not-authorized')
    assert.equal(await becomes(['romeo@mail.example', 'juliet@mail.example'], 'juliet@localhost'), 'juliet@localhost/here')
  })
  test('makes nobody of other addresses, and nobody another', async () => {
    assert.equal(await becomes(['romeo@mail.example.org']), 'not-authorized')
    assert.equal(await becomes([]), 'not-authorized')
    assert.equal(await becomes(['romeo@mail.example'], 'juliet@localhost'), 'invalid-authzid')
  })
})

test('the service of the README starts the gateway by a command that there is', async () => {
  const [, command = ''] = /^ExecStart=\/usr\/bin\/node (\S+) start --config /m.exec(programNamed('meerkat.service')) ?? []
  assert.match(await readFile(join(root, command), 'utf8'), /^#!\/usr\/bin\/env node/)
})
