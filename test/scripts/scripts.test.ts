/** Runs every conversation of this folder on every transport (README.md beside this file tells how they are written). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeConversations, scripts } from '../support/conversations.ts'

describe('scripts', () => {
  test('each says in its title which rule it shows, and where the rule stands', () => {
    assert.ok(scripts.length >= 60)
    for (const { name, title } of scripts) assert.match(title, /^[A-Z<].* \((?:RFC \d{4}|XEP-\d{4}) §[\d.]+\)$/, name)
    assert.equal(new Set(scripts.map(({ title }) => title)).size, scripts.length)
  })
})

describeConversations('')
