// SIGSTOP takes a moment to reach every thread of a process: one that is at work answers still.
import { readdirSync, readFileSync } from 'node:fs'

/** Stops the process, and returns when each of its threads stands still. */
export function freeze(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  const deadline = Date.now() + 5_000
  while (!isStill(pid)) if (Date.now() > deadline) throw new Error(`the process ${pid} does not stop`)
}

function isStill(pid: number): boolean {
  try {
    // "pid (name) state …": T is stopped, Z has ended.
    return readdirSync(`/proc/${pid}/task`).every(thread => /^[TZ] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').replace(/^.*\) /s, '')))
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return true
    throw error
  }
}
