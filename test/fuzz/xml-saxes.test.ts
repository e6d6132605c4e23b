/** The scanner against saxes: the same verdict and the same tree, whole and in pieces. MEERKAT_SEED repeats a run, MEERKAT_FUZZ sets its length. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import type { Element } from '../../src/xml/element.ts'
import { defaultXmlLimits } from '../../src/xml/limits.ts'
import { parse } from '../../src/xml/parse.ts'
import { Scanner } from '../../src/xml/scanner.ts'
import { standAlone, withAttribute } from '../../src/xml/splice.ts'
import { XmlError } from '../../src/xml/xml-error.ts'
import { badInputs, goodInputs } from '../unit/xml-bad-input.ts'
import { onlyElement, scanInStream } from '../unit/xml-in-stream.ts'
import { damaged, generate, Randomness } from './xml-documents.ts'
import { judge } from './xml-oracle.ts'

const seed = Number(process.env['MEERKAT_SEED'] ?? randomInt(2 ** 31))
const total = Number(process.env['MEERKAT_FUZZ'] ?? 100_000)

const scanner = new Scanner(defaultXmlLimits)
const childScanner = new Scanner(defaultXmlLimits, true)

function treeOrNull(bytes: Uint8Array): Element | null {
  try {
    return scanner.scan(bytes).element()
  } catch (error) {
    if (error instanceof XmlError) return null
    throw error
  }
}

/** Cheaper than deepEqual, and exact: attributes in order, too. */
const flat = (element: Element | null): unknown =>
  element && [element.ns, element.local, [...element.attributes], element.text, element.children.map(flat)]
const spelt = (element: Element | null): string => JSON.stringify(flat(element))

/** Attributes of a saxes tree are in document order as long as no name looks like an array index; none of ours does. */
function compare(bytes: Uint8Array, description: string, cuts: readonly number[]): 'accepted' | 'refused' | 'excluded' {
  const judgement = judge(bytes)
  if (judgement.verdict === 'excluded') return 'excluded'
  const tree = treeOrNull(bytes)
  const found = spelt(tree)
  assert.equal(found, spelt(judgement.verdict === 'accepted' ? judgement.tree : null), description)
  const inStream = onlyElement(scanInStream(bytes, cuts))
  // White space before an element is legal between the elements of a stream.
  if (inStream !== null && tree === null) assert.match(Buffer.from(bytes).toString(), /^[ \t\r\n]/, description)
  else assert.equal(spelt(inStream), found, `${description}, cut at ${String(cuts)}`)
  return judgement.verdict
}

test(`the scanner and saxes agree on ${total} documents (MEERKAT_SEED=${seed})`, t => {
  const random = new Randomness(seed)
  const counts = { accepted: 0, refused: 0, excluded: 0 }
  for (let n = 0; n < total; n++) {
    const sound = generate(random)
    const bytes = random.oneIn(2) ? sound : damaged(random, sound)
    const cuts = random.oneIn(100) ? Array.from(bytes, (_, index) => index) : [random.below(bytes.length + 1), random.below(bytes.length + 1)].sort((a, b) => a - b)
    counts[compare(bytes, `MEERKAT_SEED=${seed}, document ${n}: ${JSON.stringify(bytes.toString('latin1'))}`, cuts)]++
  }
  t.diagnostic(`seed ${seed}: ${JSON.stringify(counts)}`)
  assert.ok(counts.accepted > total / 3, 'too few sound documents to mean anything')
  assert.ok(counts.refused > total / 5, 'too few damaged documents to mean anything')
  assert.ok(counts.excluded < total / 50, 'too many documents that saxes does not judge')
})

test('the scanner and saxes agree on every bad and every odd input', () => {
  for (const { name, bytes } of badInputs) assert.notEqual(compare(bytes, name, []), 'accepted', name)
  for (const xml of goodInputs) assert.notEqual(compare(Buffer.from(xml), xml, []), 'refused', xml)
})

test(`several elements of a stream are what each of them is alone, however it is cut (MEERKAT_SEED=${seed})`, () => {
  const random = new Randomness(seed ^ 0x57EA)
  for (let n = 0; n < total / 20; n++) {
    const alone = Array.from({ length: 2 + random.below(4) }, () => generate(random)).map(bytes => ({ bytes, tree: treeOrNull(bytes) }))
    const sound = alone.filter(({ tree }) => tree !== null)
    const bytes = Buffer.concat(sound.map(element => element.bytes))
    const cuts = Array.from({ length: random.below(8) }, () => random.below(bytes.length + 1)).sort((a, b) => a - b)
    const outcome = scanInStream(bytes, cuts)
    assert.deepEqual([outcome.fault, outcome.isEnded, ...outcome.elements.map(spelt)], [null, true, ...sound.map(({ tree }) => spelt(tree))],
      `MEERKAT_SEED=${seed}, stream ${n}: ${JSON.stringify(bytes.toString('latin1'))}, cut at ${String(cuts)}`)
    // One that is refused alone is refused behind the others, too: nothing that they declared is left.
    const bad = alone.find(({ tree }) => tree === null)
    if (bad !== undefined) assert.notEqual(scanInStream(Buffer.concat([bytes, bad.bytes]), cuts).fault, null)
  }
})

test(`what is spliced means the same but for the attribute, and children stand alone (MEERKAT_SEED=${seed})`, () => {
  const random = new Randomness(seed ^ 0x5EED)
  for (let n = 0; n < total / 10; n++) {
    const bytes = generate(random)
    const description = `MEERKAT_SEED=${seed}, document ${n}: ${JSON.stringify(bytes.toString('latin1'))}`
    const tree = treeOrNull(bytes)
    if (tree === null) continue
    const local = random.pick(['from', 'a', 'x'])
    const stamped = parse(withAttribute(scanner.scan(bytes), local, 'o\'x<&'))
    assert.equal(stamped.attributes.get(local), 'o\'x<&', description)
    const expected = new Map([...tree.attributes, [local, 'o\'x<&']])
    assert.deepEqual(new Map([...stamped.attributes].sort()), new Map([...expected].sort()), description)
    assert.deepEqual(stamped.children.map(spelt), tree.children.map(spelt), description)
    const { root, children } = childScanner.scanChildren(bytes)
    assert.equal(root.childCount, tree.children.length)
    assert.deepEqual(children.map(child => spelt(parse(standAlone(child)))), tree.children.map(spelt), description)
  }
})
