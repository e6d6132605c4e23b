/** `[store]`: where the embedded domain keeps what is durable. */
import Type from 'typebox'

import { databaseOptions } from '../auth/accounts/database-options.ts'

const { url, ...others } = databaseOptions('Then whoever asked is told `internal-server-error`.')

export const storeOptions = Type.Object({ url: Type.Optional(url), ...others }, {
  description: 'Rosters, messages for those who are not there, blocklists, vCards and private XML of the embedded domain: without `url` in the embedded database in '
    + '`general.data_dir`, with it in a database of yours. The tables `meerkat_…` are made there.',
})

export type StoreOptions = Type.Static<typeof storeOptions>
