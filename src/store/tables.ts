/**
 * The tables of the store, in SQLite and in PostgreSQL. Everything that clients wrote is XML or a JID, so it is text; JIDs stand there as prepared
 * (RFC 7622), and are compared by their bytes. A long one is in a key as its digest, and then is `whole` beside it (statements.ts).
 */
import type { Schema } from '../auth/accounts/embedded-database.ts'

/** Each brings the tables from one version to the next. What has been published is never changed. `{id}`, `{big}` and `{text}` are of the dialect. */
const migrations: readonly string[] = [
  `CREATE TABLE meerkat_accounts (account {text} NOT NULL PRIMARY KEY, known INTEGER NOT NULL, roster_version INTEGER NOT NULL);
   CREATE TABLE meerkat_roster (
     account {text} NOT NULL, jid {text} NOT NULL, whole {text}, name {text}, group_names {text} NOT NULL, subscription {text} NOT NULL,
     asks INTEGER NOT NULL, approved INTEGER NOT NULL, request {text}, listed INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (account, jid));
   CREATE TABLE meerkat_roster_removed (account {text} NOT NULL, jid {text} NOT NULL, whole {text}, version INTEGER NOT NULL, PRIMARY KEY (account, jid));
   CREATE TABLE meerkat_blocked (account {text} NOT NULL, jid {text} NOT NULL, whole {text}, PRIMARY KEY (account, jid));
   CREATE TABLE meerkat_vcards (account {text} NOT NULL PRIMARY KEY, xml {text} NOT NULL);
   CREATE TABLE meerkat_private (account {text} NOT NULL, ns {text} NOT NULL, local {text} NOT NULL, xml {text} NOT NULL, PRIMARY KEY (account, ns, local));
   CREATE TABLE meerkat_last_activity (account {text} NOT NULL PRIMARY KEY, seconds {big} NOT NULL, status {text} NOT NULL);
   CREATE TABLE meerkat_offline (id {id}, account {text} NOT NULL, wire {text} NOT NULL, at {big} NOT NULL);
   CREATE INDEX meerkat_offline_of ON meerkat_offline (account, id)`,
  'CREATE INDEX meerkat_roster_asked ON meerkat_roster (jid) WHERE asks = 1',
]

/** Of whatever is kept of an account. */
export const tables = ['meerkat_accounts', 'meerkat_roster', 'meerkat_roster_removed', 'meerkat_blocked', 'meerkat_vcards', 'meerkat_private',
  'meerkat_last_activity', 'meerkat_offline'] as const

const written = (words: Readonly<Record<string, string>>): readonly string[] =>
  migrations.map(migration => migration.replace(/\{(\w+)\}/g, (_, word: string) => words[word] ?? ''))

/** An id is never given twice, not even when the last message was dropped. */
export const sqliteSchema: Schema = {
  part: 'domain', synchronous: 'NORMAL',
  migrations: written({ text: 'TEXT', big: 'INTEGER', id: 'INTEGER PRIMARY KEY AUTOINCREMENT' }),
}

/** The collation "C" compares bytes, whatever the language of the database is. */
export const postgresMigrations = written({ text: 'TEXT COLLATE "C"', big: 'BIGINT', id: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY' })
