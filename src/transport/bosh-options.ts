/** `listen.http.bosh`: the keys and defaults of XMPP over BOSH (XEP-0124, XEP-0206, behaviour/bosh.md). */
import Type from 'typebox'

/** A day: far below where timers of Node.js overflow, and long enough. */
const aDay = 86_400

export const boshOptions = Type.Object({
  path: Type.String({
    default: '/http-bind', allowed: 'a path such as "/http-bind"', description: 'The path of the BOSH endpoint.',
  }),
  max_stanza_size: Type.Integer({
    default: 262_144, minimum: 10_000, maximum: 16_777_216, unit: 'bytes',
    description: 'The longest request body accepted, checked before it is parsed.',
  }),
  inactivity: Type.Integer({
    default: 60, minimum: 1, maximum: aDay, unit: 'seconds', description: 'Time without a request after which the session ends.',
  }),
  max_wait: Type.Integer({
    default: 60, minimum: 0, maximum: aDay, unit: 'seconds', description: 'The longest time that a request is held, whatever the client asks.',
  }),
  max_pause: Type.Integer({
    default: 120, minimum: 1, maximum: aDay, unit: 'seconds', description: 'The longest pause that a client may ask for.',
  }),
  polling: Type.Integer({
    default: 5, minimum: 0, maximum: aDay, unit: 'seconds', description: 'The shortest interval between two empty requests of a client that polls.',
  }),
  max_hold: Type.Integer({
    default: 1, minimum: 0, maximum: 10, unit: 'requests', description: 'Requests of one session that are held at a time, whatever the client asks.',
  }),
  max_deferred_bytes: Type.Integer({
    default: 1_048_576, minimum: 10_000, maximum: 1_073_741_824, unit: 'bytes',
    description: 'What a session may send ahead of a request that has not arrived yet.',
  }),
  max_sessions_per_address: Type.Integer({
    default: 5_000, minimum: 1, maximum: 1_000_000, unit: 'sessions', description: 'BOSH sessions at a time that were opened from one IP address.',
  }),
  max_sessions_per_certificate: Type.Integer({
    default: 50, minimum: 1, maximum: 10_000, unit: 'sessions', description: 'BOSH sessions at a time that were opened with one client certificate.',
  }),
  request_timeout: Type.Integer({
    default: 30_000, minimum: 100, maximum: 30_000, unit: 'ms', description: 'Time in which the body of a request has to arrive.',
  }),
  state_timeout: Type.Integer({
    default: 60_000, minimum: 1, maximum: aDay * 1_000, unit: 'ms', description: 'Time that a client has for each step of the negotiation. While it waits for the gateway it is not counted.',
  }),
}, { description: 'XMPP over BOSH.' })

export type BoshOptions = Type.Static<typeof boshOptions>
