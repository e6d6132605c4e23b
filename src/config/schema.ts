/** The whole file: the schemas of the folders that own the options, put together under MongooseIM's section names. */
import Type from 'typebox'

import { authOptions } from '../auth/options.ts'
import { featureOptions } from '../embedded/options.ts'
import { limitsOptions, sessionOptions } from '../session/options.ts'
import { storeOptions } from '../store/options.ts'
import { generalOptions } from './general.ts'
import { listenC2s } from './listen-c2s.ts'
import { listenHttp } from './listen-http.ts'
import { listenMetrics } from './metrics.ts'

export const configSchema = Type.Object({
  general: generalOptions,
  listen: Type.Object({
    http: Type.Array(listenHttp, { default: [], description: 'HTTP listeners.' }),
    c2s: Type.Array(listenC2s, { default: [], description: 'TCP listeners.' }),
    metrics: Type.Optional(listenMetrics),
  }, { description: 'Listeners.' }),
  auth: authOptions,
  store: storeOptions,
  features: featureOptions,
  limits: limitsOptions,
  session: sessionOptions,
})

/** What a file says, checked against the schema, defaults filled in, paths absolute. */
export type Settings = Type.Static<typeof configSchema>
