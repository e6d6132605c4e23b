/**
 * What a relayed stanza costs in CPU: one scan and one splice, against saxes + tree + serialise, the straightforward way to do the
 * same. Paired: both run alternately in one process, and the medians over the rounds are compared (to be at least 5, 4 and 3 times faster).
 */
import { Buffer } from 'node:buffer'
import { SaxesParser } from 'saxes'
import type { SaxesTagNS } from 'saxes'
import { Scanner } from '../../src/xml/scanner.ts'
import { withAttribute } from '../../src/xml/splice.ts'

export interface ScanResult {
  readonly size: string
  readonly bytes: number
  /** Median microseconds for one stanza. */
  readonly scannerMicroseconds: number
  readonly oracleMicroseconds: number
  readonly ratio: number
  readonly target: number
  readonly isMet: boolean
}

const sender = 'romeo@example.net/orchard-7f3a'

const envelope = (inner: string) =>
  `<message xmlns='jabber:client' to='juliet@example.com/balcony' id='b4c6e1d2' type='chat'>${inner}</message>`

const lines = 'But soft, what light through yonder window breaks? It is the east, and Juliet is the sun — O, that I were a glove upon that hand. '
const marks = '<active xmlns="http://jabber.org/protocol/chatstates"/><request xmlns="urn:xmpp:receipts"/>'
  + '<markable xmlns="urn:xmpp:chat-markers:0"/><origin-id xmlns="urn:xmpp:sid:0" id="b4c6e1d2-5f6a-4a57"/>'

function html(length: number): string {
  let markup = ''
  for (let line = 0; markup.length < length; line++) {
    markup += `<p style='color:#${(line * 7919 % 4096).toString(16)}'>${lines}<strong>naïve façade &amp; “quotes” ${line}</strong><br/>`
      + `<a href='https://example.net/?line=${line}&amp;x=1' title="act II">Αθήνα &lt;3</a></p>`
  }
  return `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>${markup}</body></html>`
}

const stanzas = [
  { size: '200 B', target: 5, xml: envelope('<body>Wherefore art thou, Roméo? Deny thy father and refuse thy name; or if thou wilt not — well</body>') },
  { size: '1 KiB', target: 4, xml: envelope(`<body>${lines.repeat(4)} Ça va &amp; so on</body><thread>e0ffe42b28561960c6b12b944a092794b9683a38</thread>${marks}`) },
  { size: '10 KiB', target: 3, xml: envelope(`<body>${lines.repeat(30)}</body>${marks}${html(5900)}`) },
] as const

interface Branch { readonly name: string, readonly attributes: Record<string, string>, readonly children: (Branch | string)[] }

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\'': '&apos;', '"': '&quot;' }
const escape = (value: string) => value.replace(/[&<>'"]/g, character => entities[character] ?? character)

function serialise({ name, attributes, children }: Branch): string {
  let xml = `<${name}`
  for (const key in attributes) xml += ` ${key}='${escape(attributes[key] ?? '')}'`
  if (children.length === 0) return `${xml}/>`
  xml += '>'
  for (const child of children) xml += typeof child === 'string' ? escape(child) : serialise(child)
  return `${xml}</${name}>`
}

/** Relays with saxes: decode, parse into a tree, set `from`, serialise, encode. */
function relayWithSaxes(bytes: Buffer): Buffer {
  const stack: Branch[] = []
  let root: Branch | null = null
  const parser = new SaxesParser({ xmlns: true })
  const refuse = () => { throw new Error('restricted-xml') }
  parser.on('error', error => { throw error })
  parser.on('doctype', refuse)
  parser.on('comment', refuse)
  parser.on('processinginstruction', refuse)
  parser.on('opentag', ({ name, attributes }: SaxesTagNS) => {
    const branch: Branch = { name, attributes: {}, children: [] }
    for (const key in attributes) branch.attributes[key] = attributes[key]?.value ?? ''
    if (stack.length > 0) stack.at(-1)?.children.push(branch)
    else root = branch
    stack.push(branch)
  })
  parser.on('text', text => { stack.at(-1)?.children.push(text) })
  parser.on('cdata', text => { stack.at(-1)?.children.push(text) })
  parser.on('closetag', () => { stack.pop() })
  parser.write(bytes.toString('utf8')).close()
  const tree = root as Branch | null
  if (tree === null) throw new Error('no element')
  tree.attributes['from'] = sender
  return Buffer.from(serialise(tree))
}

const scanner = new Scanner()
const relayWithScanner = (bytes: Buffer): Uint8Array => withAttribute(scanner.scan(bytes), 'from', sender)

function microseconds(relay: (bytes: Buffer) => Uint8Array, input: Buffer, times: number): number {
  let length = 0
  const start = process.hrtime.bigint()
  for (let n = 0; n < times; n++) length += relay(input).length
  const nanoseconds = Number(process.hrtime.bigint() - start)
  if (length === 0) throw new Error('nothing was relayed')
  return nanoseconds / times / 1000
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

export async function benchScan(rounds = 21): Promise<readonly ScanResult[]> {
  const inputs = stanzas.map(({ size, target, xml }) => ({ size, target, input: Buffer.from(xml), fast: [] as number[], slow: [] as number[] }))
  // The first rounds warm the compilers up, with all sizes mixed as they are in life.
  for (let round = -5; round < rounds; round++) {
    for (const { input, fast, slow } of inputs) {
      const times = Math.ceil(2_000_000 / (input.length + 200))
      const a = microseconds(relayWithScanner, input, times)
      const b = microseconds(relayWithSaxes, input, Math.ceil(times / 10))
      if (round >= 0) {
        fast.push(a)
        slow.push(b)
      }
    }
    await new Promise(resolve => { setImmediate(resolve) })
  }
  return inputs.map(({ size, target, input, fast, slow }) => {
    const scannerMicroseconds = median(fast)
    const oracleMicroseconds = median(slow)
    const ratio = oracleMicroseconds / scannerMicroseconds
    return { size, bytes: input.length, scannerMicroseconds, oracleMicroseconds, ratio, target, isMet: ratio >= target }
  })
}

if (import.meta.main) {
  const results = await benchScan()
  if (process.argv.includes('--json')) console.log(JSON.stringify(results))
  else for (const { size, bytes, scannerMicroseconds, oracleMicroseconds, ratio, target, isMet } of results) {
    console.log(`${size.padStart(6)} (${bytes} B): scan + splice ${scannerMicroseconds.toFixed(2)} µs, saxes + tree + serialise `
      + `${oracleMicroseconds.toFixed(2)} µs: ${ratio.toFixed(1)} times faster (at least ${target}) ${isMet ? 'met' : 'MISSED'}`)
  }
  if (results.some(({ isMet }) => !isMet)) process.exitCode = 1
}
