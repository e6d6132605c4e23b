/** `[auth]`: who judges credentials, which mechanisms are offered, and how a certificate becomes a user (behaviour/external.md
 * §4). The `aliases` are MongooseIM's older names; values are normalised to the first generation when they are read. */
import Type from 'typebox'

export const mappingModuleOption = Type.Object({
  module: Type.String({ file: true, minLength: 1, description: 'A JavaScript or TypeScript module that maps a certificate to a user.' }),
})

export const externalModes = ['standard', 'common_name', 'auth_id'] as const

/** As written in `auth.methods`; what each is stands in catalogue.ts. */
export const backendNames = ['pki'] as const
export type BackendName = (typeof backendNames)[number]

export const authOptions = Type.Object({
  methods: Type.Array(Type.Enum(backendNames), {
    default: ['pki'], minItems: 1, uniqueItems: true,
    description: 'Who judges credentials, asked in this order, each only for the kinds that it judges. '
      + '`pki` accepts every user that a verified certificate maps to.',
  }),
  sasl_mechanisms: Type.Array(Type.Enum(['external']), {
    default: ['external'], minItems: 1, uniqueItems: true, description: 'The SASL mechanisms offered, in this order.',
  }),
  sasl_external: Type.Array(Type.Union([
    Type.Enum(externalModes, { aliases: { use_common_name: 'common_name', allow_just_user_identity: 'auth_id' } }),
    mappingModuleOption,
  ]), {
    default: ['standard'], minItems: 1, uniqueItems: true,
    description: 'How a certificate becomes a user, tried in this order. `standard`: by xmppAddr. `common_name` (also `use_common_name`): '
      + 'without xmppAddr, by the common name. `auth_id` (also `allow_just_user_identity`): without xmppAddr, whatever name the client gives. '
      + '`{ module = "./mapping.ts" }`: by a module of yours.',
  }),
  sasl_external_common_name: Type.Object({
    prefix: Type.String({ default: '', maxLength: 1023, description: 'Put before the common name to make the user name.' }),
    suffix: Type.String({ default: '', maxLength: 1023, description: 'Put after the common name to make the user name.' }),
  }, { description: 'How `common_name` makes the user name.' }),
  pki: Type.Object({}, { description: 'The method `pki`. It has no keys.' }),
}, { description: 'Who may log in, and how.' })

export type AuthOptions = Type.Static<typeof authOptions>
/** One entry of `sasl_external`, normalised; `module` is an absolute path. */
export type ExternalModeOption = AuthOptions['sasl_external'][number]
