/** What an account that does not exist looks like, and the secret behind it. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Decoys } from '../../src/auth/decoy.ts'
import { decoySecret, decoySecretFile } from '../../src/auth/decoy-secret.ts'
import { keyLength, saltLength, scramHashes } from '../../src/auth/scram-secret.ts'
import { parseBareJid } from '../../src/xmpp/jid.ts'
import { recordingLog } from '../support/turned-clock.ts'

const counts = { scram_iterations: 10_000, decoy_iterations: [] }
const jid = (name: string) => parseBareJid(`${name}@example.net`)!

describe('decoys', () => {
  test('look like what is kept of a password, the same every time', () => {
    for (const hash of scramHashes) {
      const [one, again] = [1, 2].map(() => new Decoys(Buffer.alloc(32, 7), counts).scramSecret(jid('nobody'), hash))
      assert.deepEqual(one, again)
      assert.deepEqual([one?.salt.length, one?.iterations, one?.storedKey.length, one?.serverKey.length], [saltLength, 10_000, keyLength[hash], keyLength[hash]])
    }
  })

  test('depend on the secret, the name and the hash', () => {
    const salt = (byte: number, name: string, hash: 'sha1' | 'sha256') => Buffer.from(new Decoys(Buffer.alloc(32, byte), counts).salt(jid(name), hash)).toString('hex')
    assert.equal(new Set([salt(1, 'a', 'sha1'), salt(2, 'a', 'sha1'), salt(1, 'b', 'sha1'), salt(1, 'a', 'sha256')]).size, 4)
  })

  test('have the counts of decoy_iterations, in their proportion, the same for a name every time and for every hash', () => {
    const decoys = new Decoys(Buffer.alloc(32, 7), { scram_iterations: 10_000, decoy_iterations: [4_096, 10_000, 10_000, 10_000] })
    const drawn = Array.from({ length: 2_000 }, (_, index) => decoys.iterations(jid(`user${index}`)))
    const few = drawn.filter(count => count === 4_096).length
    assert.ok(few > 400 && few < 600, String(few))
    assert.ok(drawn.every(count => count === 4_096 || count === 10_000))
    for (const hash of scramHashes) assert.equal(decoys.scramSecret(jid('user1'), hash).iterations, drawn[1])
  })
})

describe('the secret behind decoys', () => {
  let folder = ''
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'meerkat-decoy-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  test('is made at first need, for its owner only, and is the same for all processes and after every restart', async () => {
    const data = join(folder, 'made', 'data')
    const { log, events } = recordingLog()
    const secrets = await Promise.all(Array.from({ length: 8 }, () => decoySecret(data, log)))
    const again = await decoySecret(data, log)
    for (const secret of secrets) assert.deepEqual(Buffer.from(secret), Buffer.from(again))
    assert.equal(again.length, 32)
    assert.deepEqual(await readdir(data), [decoySecretFile])
    assert.equal((await stat(join(data, decoySecretFile))).mode & 0o777, 0o600)
    assert.deepEqual(events, [])
    assert.notDeepEqual(Buffer.from(await decoySecret(join(folder, 'another'), log)), Buffer.from(again))
  })

  test('where it cannot be kept it lasts as long as the process, and the log says what follows', async () => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    const { log, events } = recordingLog()
    const [one, other] = [await decoySecret(file, log), await decoySecret(file, log)]
    assert.equal(one.length, 32)
    assert.notDeepEqual(one, other)
    assert.deepEqual(events.map(({ event }) => event), ['auth.decoy_secret_not_kept', 'auth.decoy_secret_not_kept'])
  })

  test('a file that is too short is not used, and not replaced', async () => {
    const data = join(folder, 'made', 'data')
    await writeFile(join(data, decoySecretFile), 'short')
    const { log, events } = recordingLog()
    assert.equal((await decoySecret(data, log)).length, 32)
    assert.equal(events.length, 1)
    assert.equal(await readFile(join(data, decoySecretFile), 'utf8'), 'short')
  })
})
