// `npm run bench [-- [--json] [NAME…]]`: what the gateway costs, always paired with what it is compared with, in one run.
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { benchBoshIdle, benchBoshRelay } from './bosh.ts'
import { benchBytes } from './bytes.ts'
import { benchDetached } from './detached.ts'
import { benchFanOut } from './fan-out.ts'
import { type Figure, lineOf } from './figure.ts'
import { benchLogins } from './logins.ts'
import { benchMemory } from './memory.ts'
import { benchOffline } from './offline.ts'
import { benchRelay, relayScenes } from './relay.ts'
import { pinning } from './remote.ts'
import { benchRevocationLists } from './revocation-lists.ts'
import { benchRosters } from './rosters.ts'
import { benchScan } from './scan.ts'
import { benchScramBesideRelay } from './scram-beside-relay.ts'

const scan = async (): Promise<readonly Figure[]> => (await benchScan()).map(result => ({
  name: `scan-${result.size.replace(' ', '')}`, what: 'scan + splice of one stanza, times faster than saxes + tree + serialise',
  meerkat: `${result.scannerMicroseconds.toFixed(2)} µs`, reference: `${result.oracleMicroseconds.toFixed(2)} µs`, referenceName: 'saxes',
  ratio: result.ratio, target: result.target, bound: 'at least', isMet: result.isMet, details: { ...result },
}))

const benchmarks: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  scan,
  ...Object.fromEntries((Object.keys(relayScenes) as (keyof typeof relayScenes)[]).map(name => [name, async () => [await benchRelay(name)]])),
  'tcp-bytes': async () => [await benchBytes()],
  memory: async () => [await benchMemory()],
  detached: async () => [await benchDetached()],
  'bosh-relay': async () => [await benchBoshRelay()],
  'bosh-idle': async () => [await benchBoshIdle()],
  crl: async () => [await benchRevocationLists()],
  logins: async () => [await benchLogins('logins'), await benchLogins('logins-first')],
  'fan-out': async () => [await benchFanOut()],
  offline: benchOffline,
  rosters: benchRosters,
  'scram-beside-relay': async () => [await benchScramBesideRelay()],
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } })
const unknown = positionals.filter(name => !(name in benchmarks))
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}. There are: ${Object.keys(benchmarks).join(', ')}.\n`)
  process.exit(64)
}

// The children end when this process does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { process.exit(130) })

const say = (line: string) => { if (!values.json) process.stdout.write(`${line}\n`) }
const machine = { node: process.version, cores: availableParallelism(), processor: cpus()[0]?.model ?? 'unknown', pinning: pinning.note }
say(`Node ${machine.node}, ${machine.cores} cores (${machine.processor}); ${machine.pinning}. Medians of paired rounds.`)

const figures: Figure[] = []
const failures: { readonly name: string, readonly problem: string }[] = []
for (const [name, run] of Object.entries(benchmarks)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  try {
    for (const figure of await run()) {
      figures.push(figure)
      say(lineOf(figure))
    }
  } catch (error) {
    const problem = error instanceof Error ? error.stack ?? error.message : String(error)
    failures.push({ name, problem })
    process.stderr.write(`${name} could not be measured: ${problem}\n`)
  }
}
if (values.json) process.stdout.write(`${JSON.stringify({ machine, figures, failures }, null, 2)}\n`)
// A target that is missed is a result; only what could not be measured is a failure.
process.exitCode = failures.length > 0 ? 1 : 0
