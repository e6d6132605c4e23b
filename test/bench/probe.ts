// Loaded into a server with `--import`, before its own code: says over IPC what the process has used so far. Idle in between.
import { answerCalls } from './remote.ts'

interface Collector { gc?: (options?: { readonly type: 'major', readonly execution: 'sync', readonly flavor: 'last-resort' }) => void }

answerCalls({
  /** Milliseconds of CPU, user and system, of all threads. */
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
  /** Bytes resident, after everything was collected that can be. */
  memory: async () => {
    const { gc } = globalThis as Collector
    if (gc === undefined) throw new Error('the server runs without --expose-gc')
    for (let round = 0; round < 3; round++) {
      gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
      await new Promise(resolve => { setTimeout(resolve, 50) })
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heapUsed, external } satisfies MemoryReading
  },
})
process.channel?.unref()

export interface MemoryReading { readonly rss: number, readonly heapUsed: number, readonly external: number }
