// Damaged certificates in good chains: nothing is thrown, and nothing is accepted that openssl refuses.
// The seed is printed; FUZZ_SEED repeats a run.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { CertificateError } from '../../src/x509/certificate.ts'
import { readAnchor, validatePath } from '../../src/x509/path.ts'
import type { Anchor, PathOutcome } from '../../src/x509/path.ts'
import { caConstraints, makeClient, makeIntermediate, makeRoot } from '../support/chain-maker.ts'
import { OpensslVerify } from '../support/openssl-verify.ts'
import { randomOf } from '../support/seeded-random.ts'
import { requireProgram } from '../support/services.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))
const runs = 3_000

interface Good { readonly sent: readonly Uint8Array[], readonly anchors: readonly Uint8Array[] }

const originals: readonly Good[] = (['p256', 'rsa2048', 'rsa-pss', 'ed25519'] as const).map(kind => {
  const root = makeRoot('Root', { kind, constraints: caConstraints(2) })
  const middle = makeIntermediate('Middle', root, { kind, constraints: caConstraints(0), purposes: ['1.3.6.1.5.5.7.3.2'] })
  return { sent: [makeClient(middle, { kind }).der, middle.der], anchors: [root.der] }
})

function damaged(der: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = Buffer.from(der)
  switch (random(8)) {
    case 0: return copy.subarray(0, random(copy.length))
    case 1: { // an octet more or less
      const at = random(copy.length)
      return Buffer.concat([copy.subarray(0, at), ...random(2) === 0 ? [Buffer.of(random(256)),
        copy.subarray(at)] : [copy.subarray(at + 1)]])
    }
    default:
      for (let flips = 1 + random(2); flips > 0; flips--) {
        const at = random(copy.length)
        copy[at] = (copy[at] ?? 0) ^ (1 << random(8))
      }
      return copy
  }
}

/** One certificate of a good chain is damaged: the leaf, the intermediate or, one time in eight, the anchor. */
function damagedChain(random: (below: number) => number): Good {
  const { sent, anchors } = originals[random(originals.length)] ?? { sent: [], anchors: [] }
  const victim = random(8)
  return victim === 0 ? { sent, anchors: anchors.map(der => damaged(der, random)) }
    : { sent: sent.map((der, index) => index === victim % 2 ? damaged(der, random) : der), anchors }
}

/** Null: the authority cannot be read, which a configuration mistake says. */
function judge({ sent, anchors }: Good, isStrict: boolean, now: number): PathOutcome | null {
  let read: readonly Anchor[]
  try {
    read = anchors.map(readAnchor)
  } catch (error) {
    assert.ok(error instanceof CertificateError, String(error))
    return null
  }
  return validatePath(sent, { anchors: read, revocation: null, now, isStrict })
}

describe('damaged chains', { skip: requireProgram('openssl') }, () => {
  const openssl = new OpensslVerify()
  after(() => openssl.close())

  test('undamaged they are accepted', () => {
    for (const original of originals) assert.ok(judge(original, true, Date.now())?.ok)
  })
  test(`damaged they are refused, or openssl accepts them too (FUZZ_SEED=${seed})`, t => {
    const random = randomOf(seed)
    let [refused, accepted] = [0, 0]
    for (let run = 0; run < runs; run++) {
      const chain = damagedChain(random)
      const isStrict = random(2) === 0
      const now = Date.now()
      if (judge(chain, isStrict, now)?.ok !== true) {
        refused++
        continue
      }
      accepted++
      const [leaf = new Uint8Array(0), ...sent] = chain.sent
      const theirs = openssl.judge({ leaf, sent, anchors: chain.anchors, lists: null, isStrict, now })
      assert.ok(theirs.accepts, `run ${run}: ${theirs.words}\n${chain.sent.map(der => Buffer.from(der).toString('hex')).join('\n')}`)
      // What is signed by an authority does not survive any change.
      assert.ok(originals.some(original => original.sent.every((der, index) => Buffer.compare(der, chain.sent[index] ?? der) === 0)))
    }
    t.diagnostic(`${refused} refused, ${accepted} accepted with a damaged anchor`)
    assert.ok(refused > runs / 2)
  })
})
