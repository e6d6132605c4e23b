/** `[auth]`: who judges credentials, which mechanisms are offered, and how a certificate becomes a user (behaviour/external.md
 * §4). The `aliases` are MongooseIM's older names; values are normalised to the first generation when they are read. */
import Type from 'typebox'

import { attemptOptions } from './attempt-options.ts'
import { httpOptions } from './backends/http-options.ts'
import { ldapOptions } from './backends/ldap-options.ts'
import { rdbmsOptions } from './backends/rdbms-options.ts'
import { passwordOptions } from './password-options.ts'

export const mappingModuleOption = Type.Object({
  module: Type.String({ file: true, minLength: 1, description: 'A JavaScript or TypeScript module that maps a certificate to a user.' }),
})

export const externalModes = ['standard', 'common_name', 'auth_id'] as const

/** As written in `auth.methods`; what each is stands in catalogue.ts. */
export const backendNames = ['pki', 'internal', 'rdbms', 'http', 'ldap'] as const
export type BackendName = (typeof backendNames)[number]

/** As written in `auth.sasl_mechanisms`, in the order of the default; what each is stands in sasl/catalogue.ts. */
export const mechanismKeys = ['external', 'scram_sha512_plus', 'scram_sha512', 'scram_sha256_plus', 'scram_sha256', 'scram_sha1_plus', 'scram_sha1', 'plain'] as const

export const authOptions = Type.Object({
  methods: Type.Array(Type.Enum(backendNames), {
    default: ['pki', 'internal'], minItems: 1, uniqueItems: true,
    description: 'Who judges credentials, asked in this order, each only for the kinds that it judges. '
      + '`pki` accepts every user that a verified certificate maps to. `internal` has accounts in the embedded database, `rdbms` in one of yours. `http` asks a web service, `ldap` a directory.',
  }),
  sasl_mechanisms: Type.Array(Type.Enum(mechanismKeys), {
    default: mechanismKeys.filter(key => key !== 'plain'), minItems: 1, uniqueItems: true,
    description: 'The SASL mechanisms offered, in this order: each only where a method of `methods` judges what it brings. `scram_…_plus` only where TLS is '
      + 'ours and has a channel binding, `plain` only over TLS.',
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
  password: passwordOptions,
  attempts: attemptOptions,
  pki: Type.Object({}, { description: 'The method `pki`. It has no keys.' }),
  internal: Type.Object({}, { description: 'The method `internal`: accounts in the embedded database in `general.data_dir`, made by `meerkat user`. It has no keys.' }),
  rdbms: Type.Optional(rdbmsOptions),
  http: Type.Optional(httpOptions),
  ldap: Type.Optional(ldapOptions),
}, { description: 'Who may log in, and how.' })

export type AuthOptions = Type.Static<typeof authOptions>
/** One entry of `sasl_external`, normalised; `module` is an absolute path. */
export type ExternalModeOption = AuthOptions['sasl_external'][number]
