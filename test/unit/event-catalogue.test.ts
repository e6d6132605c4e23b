// The catalogue of log events (src/telemetry/events.ts) is what the code tells: every event, with these fields, and at this level.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { type EventDescription, events, fieldMeanings } from '../../src/telemetry/events.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Told { readonly where: string, readonly name: string, readonly fields: readonly string[], readonly level: string | null }

/** Every object literal with an `event` that is a string. */
function toldIn(path: string): Told[] {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Told[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const name = node.properties.flatMap(property => ts.isPropertyAssignment(property) && property.name.getText() === 'event'
        && ts.isStringLiteral(property.initializer) ? [property.initializer.text] : [])[0]
      if (name !== undefined) {
        const where = `${path}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
        found.push({ where, name, fields: fieldsOf(node).filter(field => field !== 'event'), level: levelOf(node) })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Its keys, and those of what is spread into it where that stands there. */
const fieldsOf = (literal: ts.ObjectLiteralExpression): string[] => literal.properties.flatMap(property => {
  if (!ts.isSpreadAssignment(property)) return [property.name?.getText() ?? '']
  const spread: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) spread.push(...fieldsOf(node))
    else ts.forEachChild(node, visit)
  }
  visit(property.expression)
  return spread
})

/** `log.info({ … })`; null where the level is computed. */
function levelOf({ parent }: ts.Node): string | null {
  return ts.isCallExpression(parent) && ts.isPropertyAccessExpression(parent.expression) ? parent.expression.name.text : null
}

const told = ['src', 'plugins'].flatMap(top => readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts')).map(path => posix.join(top, path))).flatMap(toldIn)
const described: Readonly<Record<string, EventDescription>> = events

describe('the catalogue of log events', () => {
  test('has every event that is told, and no other', () => {
    assert.deepEqual(told.filter(({ name }) => !Object.hasOwn(events, name)).map(({ name, where }) => `${name} at ${where} is not in src/telemetry/events.ts`), [])
    assert.deepEqual(Object.keys(events).filter(name => !told.some(one => one.name === name)), [], 'nobody tells these')
  })

  test('says which fields each of them has', () => {
    assert.deepEqual(told.flatMap(({ where, name, fields }) => fields.filter(field => described[name]?.fields.some(known => known === field) !== true)
      .map(field => `${name} at ${where}: ${field}`)), [])
    for (const [name, { fields }] of Object.entries(described)) {
      const given = told.filter(one => one.name === name).flatMap(one => one.fields)
      assert.deepEqual(fields.filter(field => !given.includes(field)), [], `${name}: nobody gives these`)
    }
  })

  test('and at which level it is told', () => {
    assert.deepEqual(told.filter(({ name, level }) => level !== null && described[name]?.level !== level).map(({ where, name, level }) => `${name} at ${where}: ${level}`), [])
  })

  test('says what every field means, and has no field that nothing uses', () => {
    const used = new Set(Object.values(described).flatMap(({ fields }) => fields))
    assert.deepEqual(Object.keys(fieldMeanings).filter(field => !used.has(field as keyof typeof fieldMeanings)), [])
  })

  test('audits at a level that is written unless somebody turns it off', () => {
    assert.deepEqual(Object.entries(described).filter(([, { audit, level }]) => audit === true && !['info', 'warn'].includes(level)).map(([name]) => name), [])
  })

  test('has no field that is named for a secret', () => {
    assert.deepEqual(Object.keys(fieldMeanings).filter(field => /pass|secret|token|ticket|payload|body|cookie|authorization|proof|salt|nonce/i.test(field)), [])
  })
})
