/** Bounds what is asked of others: an answer that does not come in time is an error, never a client that waits for ever. */

import type { Clock } from '../telemetry/clock.ts'

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

/** The answer, or a DeadlineError after `milliseconds`. A later answer, good or bad, is dropped. */
export function within<Answer>(milliseconds: number, clock: Clock, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(milliseconds, () => { reject(new DeadlineError(`no answer within ${milliseconds} ms`)) })
    answer.then(resolve, reject).finally(() => { timer.cancel() })
  })
}
