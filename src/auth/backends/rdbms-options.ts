/** `[auth.rdbms]`: the database with MongooseIM's table `users`. */
import Type from 'typebox'

import { databaseOptions } from '../accounts/database-options.ts'

export const rdbmsOptions = Type.Object(databaseOptions('Then it is `temporary-auth-failure`.'),
  { description: 'The method `rdbms`: the accounts of a database with MongooseIM\'s table `users`, read and written as it is.' })

export type RdbmsOptions = Type.Static<typeof rdbmsOptions>
