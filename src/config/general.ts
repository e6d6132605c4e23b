/** `[general]`: the domains served, the log, and where data is kept. */
import Type from 'typebox'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

export const generalOptions = Type.Object({
  hosts: Type.Array(Type.String({ allowed: 'an XMPP domain such as "example.org"' }), {
    default: ['localhost'], minItems: 1, description: 'The XMPP domains served.',
  }),
  log_level: Type.Enum(logLevels, { default: 'info', description: 'The least important events that are logged.' }),
  data_dir: Type.String({
    file: true, minLength: 1, default: 'data', allowed: 'the path of a folder, relative to the configuration file',
    description: 'Where the embedded database is kept.',
  }),
}, { description: 'The gateway as a whole.' })

export type GeneralOptions = Type.Static<typeof generalOptions>
