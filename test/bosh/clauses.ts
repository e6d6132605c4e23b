// Every clause of XEP-0124 and XEP-0206 that addresses the connection manager, §16 and the old script syntax excepted. `npm run docs` writes
// what the README says of BOSH from this table.
import type { AnyClause } from './clause.ts'
import { errorClauses } from './clauses-errors.ts'
import { httpClauses } from './clauses-http.ts'
import { payloadClauses } from './clauses-payloads.ts'
import { sessionClauses } from './clauses-session.ts'
import { windowClauses } from './clauses-window.ts'
import { xmppClauses } from './clauses-xmpp.ts'

export const clauses: readonly AnyClause[] = [...httpClauses, ...sessionClauses, ...payloadClauses, ...windowClauses, ...errorClauses, ...xmppClauses]
