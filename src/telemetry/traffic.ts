/**
 * How many stanzas and bytes went through sessions, for each transport. These are plain numbers, since every stanza counts itself
 * twice; whoever wants to know reads them now and then.
 */

export const carriers = ['websocket', 'bosh', 'tcp'] as const
export type Carrier = (typeof carriers)[number]

/** `in` is from clients, `out` to them. Bytes are those of the stanzas, without what carries them. */
export interface Traffic {
  stanzasIn: number
  stanzasOut: number
  bytesIn: number
  bytesOut: number
}

export type TrafficByCarrier = Readonly<Record<Carrier, Traffic>>

const none = (): Traffic => ({ stanzasIn: 0, stanzasOut: 0, bytesIn: 0, bytesOut: 0 })

export const noTraffic = (): TrafficByCarrier => ({ websocket: none(), bosh: none(), tcp: none() })
