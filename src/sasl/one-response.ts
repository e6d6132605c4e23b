/** The exchange of a mechanism in which the client says one thing, and that decides (RFC 4422 §5.1): EXTERNAL and PLAIN. */

import type { SaslExchange, SaslStep } from './mechanism.ts'

export function oneResponse(decide: (response: Uint8Array) => SaslStep | Promise<SaslStep>): SaslExchange {
  let phase: 'initial' | 'challenged' | 'over' = 'initial'
  return {
    step(response) {
      if (phase === 'over') return { kind: 'failure', condition: 'malformed-request', reason: 'a response after the exchange was over' }
      if (response === null && phase === 'initial') {
        // Without an initial response, one empty challenge asks for it.
        phase = 'challenged'
        return { kind: 'challenge', data: new Uint8Array(0) }
      }
      phase = 'over'
      return decide(response ?? new Uint8Array(0))
    },
  }
}
