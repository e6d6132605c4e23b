/** The whole file: the schemas of the folders that own the options, put together under MongooseIM's section names. */
import Type from 'typebox'

import { authOptions } from '../auth/options.ts'
import { limitsOptions, sessionOptions } from '../session/options.ts'
import { generalOptions } from './general.ts'
import { listenHttp } from './listen-http.ts'

export const configSchema = Type.Object({
  general: generalOptions,
  listen: Type.Object({
    http: Type.Array(listenHttp, { default: [], description: 'HTTP listeners.' }),
  }, { description: 'Listeners.' }),
  auth: authOptions,
  limits: limitsOptions,
  session: sessionOptions,
})

/** What a file says, checked against the schema, defaults filled in, paths absolute. */
export type Settings = Type.Static<typeof configSchema>
