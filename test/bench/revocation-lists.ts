// How long a revocation list of 30,000 entries holds everybody up while it is read, checked and put to use: the longest time between two turns of the event
// loop, beside what the same list costs in one go. At most 20 ms are allowed.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkRevocationLists } from '../../src/config/check-revocation-lists.ts'
import { Report } from '../../src/config/report.ts'
import { readAnchor } from '../../src/x509/path.ts'
import { readRevocationList } from '../../src/x509/revocation-list.ts'
import { makeAuthority } from '../support/certificates.ts'
import { listPem, manyEntries, writeList } from '../support/revocation-lists.ts'
import type { Figure } from './figure.ts'
import { median } from './statistics.ts'

const entries = 30_000
const allowed = 20

/** Milliseconds of this thread's own time, the longest and all together: that others use the machine as well is none of the list's doing. */
async function stallDuring(work: () => Promise<unknown>): Promise<{ readonly longest: number, readonly total: number }> {
  const turn = () => new Promise(resolve => { setImmediate(resolve) })
  let longest = 0
  let last = spent()
  let isOver = false
  const look = () => {
    const now = spent()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(look)
  }
  look()
  await turn()
  const start = last
  longest = 0
  await work()
  await turn()
  isOver = true
  return { longest, total: last - start }
}

function spent(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

export async function benchRevocationLists(rounds = 9): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'meerkat-bench-lists-'))
  try {
    const ca = makeAuthority()
    const der = writeList(ca, { revoked: manyEntries(entries) })
    const file = join(folder, 'ca.crl')
    await writeFile(file, listPem(der))
    const anchors = [readAnchor(ca.der)]
    const load = async () => {
      const report = new Report(null, folder)
      const lists = await checkRevocationLists({ crl_files: [file], crl_expired: 'refuse' }, 'tls', anchors, { now: Date.now(), inUse: null }, report)
      if (report.mistakes.length > 0 || lists?.lists[0]?.fields.serials.size !== entries) throw new Error('the list was not read')
    }
    const [ours, whole]: { longest: number, total: number }[][] = [[], []]
    // Nothing is warmed up: a gateway reads its lists now and then.
    for (let round = 0; round < rounds; round++) {
      ours?.push(await stallDuring(load))
      whole?.push(await stallDuring(() => readRevocationList(der, () => Promise.resolve())))
    }
    const longest = Math.max(...(ours ?? []).map(one => one.longest))
    const total = median((ours ?? []).map(one => one.total))
    const inOneGo = median((whole ?? []).map(one => one.longest))
    return {
      name: 'crl', what: `a revocation list of ${entries} entries is loaded: the longest stall of ${rounds} times, of ${allowed} ms`,
      meerkat: `${longest.toFixed(1)} ms (${total.toFixed(0)} ms in all)`, reference: `${inOneGo.toFixed(1)} ms`, referenceName: 'parsed in one go',
      ratio: longest / allowed, target: 1, isMet: longest <= allowed, bound: 'at most', details: { entries, bytes: der.length, longest, total, inOneGo },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
