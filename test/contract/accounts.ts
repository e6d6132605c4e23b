/** What Accounts promise, whatever holds the table: run it on each implementation. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { listPage } from '../../src/auth/accounts/accounts.ts'
import type { Accounts } from '../../src/auth/accounts/accounts.ts'
import { type Domainpart, parseDomainpart } from '../../src/xmpp/jid.ts'

export interface AccountsTraits {
  /** The table has a column `server`. */
  readonly hasDomains: boolean
  /** Characters of a name; null where there is no limit. */
  readonly longestName: number | null
}

const domain = parseDomainpart('localhost')!
const other = parseDomainpart('example.net')!
const row = { password: '', passDetails: 'whatever it is' }

export async function namesIn(accounts: Accounts, of: Domainpart): Promise<string[]> {
  const names: string[] = []
  for await (const name of accounts.list(of)) names.push(name)
  return names
}

export function accountsContract(title: string, make: () => Promise<Accounts>, { hasDomains, longestName }: AccountsTraits): void {
  const on = (what: string, body: (accounts: Accounts) => Promise<void>) => void test(what, async () => {
    const accounts = await make()
    try {
      await body(accounts)
    } finally {
      await accounts.close()
    }
  })
  const names = (accounts: Accounts, of = domain) => namesIn(accounts, of)

  describe(`Accounts contract: ${title}`, () => {
    on('who is not there is not found, not changed and not removed', async accounts => {
      assert.equal(await accounts.find('alice', domain), null)
      assert.equal(await accounts.replacePassword('alice', domain, row), false)
      assert.equal(await accounts.remove('alice', domain), false)
      assert.deepEqual(await names(accounts), [])
    })

    on('who was added is found, until removed', async accounts => {
      assert.equal(await accounts.add('alice', domain, row), true)
      assert.deepEqual(await accounts.find('alice', domain), row)
      assert.equal(await accounts.replacePassword('alice', domain, { password: 'plain', passDetails: null }), true)
      assert.deepEqual(await accounts.find('alice', domain), { password: 'plain', passDetails: null })
      assert.equal(await accounts.remove('alice', domain), true)
      assert.equal(await accounts.find('alice', domain), null)
    })

    on('who is there already is not added again, and stays as it was', async accounts => {
      assert.equal(await accounts.add('alice', domain, row), true)
      assert.equal(await accounts.add('alice', domain, { password: 'another', passDetails: null }), false)
      assert.deepEqual(await accounts.find('alice', domain), row)
    })

    on('ten that are added at once are one', async accounts => {
      const added = await Promise.all(Array.from({ length: 10 }, () => accounts.add('alice', domain, row)))
      assert.equal(added.filter(Boolean).length, 1)
    })

    if (hasDomains) on('the same name in another domain is somebody else', async accounts => {
      await accounts.add('alice', domain, row)
      assert.equal(await accounts.find('alice', other), null)
      assert.equal(await accounts.add('alice', other, { password: 'another', passDetails: null }), true)
      assert.equal(await accounts.remove('alice', domain), true)
      assert.deepEqual(await accounts.find('alice', other), { password: 'another', passDetails: null })
      assert.deepEqual([await names(accounts), await names(accounts, other)], [[], ['alice']])
    })

    on('a name means itself: quotes, wildcards and all', async accounts => {
      const odd = ['a', 'A', '%', '_', "o'; DROP TABLE users; --", "' OR '1'='1", '"', '\\', '$1', '?1', ':name', 'ali_e', 'a%', 'é', 'e\u0301', 'алиса', '\u{1F600}', ' alice', 'alice ', 'null']
      await accounts.add('alice', domain, row)
      for (const name of odd) assert.equal(await accounts.find(name, domain), null, name)
      for (const name of odd) assert.equal(await accounts.add(name, domain, { password: name, passDetails: null }), true, name)
      for (const name of odd) assert.deepEqual(await accounts.find(name, domain), { password: name, passDetails: null }, name)
      assert.deepEqual((await names(accounts)).toSorted(), ['alice', ...odd].toSorted())
    })

    on('a name of 1023 octets is looked for as any other', async accounts => {
      const long = 'x'.repeat(1023)
      assert.equal(await accounts.find(long, domain), null)
      assert.equal(await accounts.remove(long, domain), false)
      if (longestName === null) assert.equal(await accounts.add(long, domain, row), true)
      // Not cut: it would be somebody else.
      else await assert.rejects(accounts.add(long, domain, row), /too long/)
      assert.equal(await accounts.find('x'.repeat(longestName ?? 250), domain), null)
    })

    on('a name with NUL is nobody, or no name at all', async accounts => {
      await accounts.add('alice', domain, row)
      assert.equal(await accounts.find('alice\0', domain).catch(() => null), null)
      assert.equal(await accounts.find('alice\0bob', domain).catch(() => null), null)
      assert.deepEqual(await accounts.find('alice', domain), row)
    })

    on('a list has everybody once, in order, however many there are', async accounts => {
      const many = Array.from({ length: listPage + 3 }, (_, index) => `user${String(index).padStart(5, '0')}`)
      for (const name of many.toReversed()) await accounts.add(name, domain, row)
      assert.deepEqual(await names(accounts), many)
    })

    on('closed twice is closed', accounts => accounts.close())
  })
}
