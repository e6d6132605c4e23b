import assert from 'node:assert/strict'
import { test } from 'node:test'

import { IsArray, IsObject, IsUnion } from 'typebox'
import type { TSchema } from 'typebox'

import { annotationNames } from '../../src/config/annotations.ts'
import { notYet } from '../../src/config/not-yet.ts'
import { configurationReference } from '../../src/config/reference.ts'
import { configSchema } from '../../src/config/schema.ts'

const reference = configurationReference()

/** Every key with its schema, depth first: `listen.http[].tls.verify_mode`. */
function keysOf(schema: TSchema, path: string): readonly (readonly [string, TSchema])[] {
  if (IsArray(schema)) return keysOf(schema.items, `${path}[]`)
  if (IsUnion(schema)) return schema.anyOf.flatMap(one => keysOf(one, path))
  if (!IsObject(schema)) return []
  return Object.entries(schema.properties).flatMap(([key, property]) => {
    const name = path === '' ? key : `${path}.${key}`
    return [[name, property] as const, ...keysOf(property, name)]
  })
}
const keys = keysOf(configSchema, '')

test('every key of the schemas is in the reference, under its section, with what the schema says', () => {
  const leaves = keys.filter(([, schema]) => !IsObject(schema) && !(IsArray(schema) && IsObject(schema.items)))
  assert.ok(leaves.length > 35)
  for (const [path, schema] of leaves) {
    if (path.endsWith('.module')) continue // a table within a value: described with sasl_external
    const [, section = '', key = ''] = /^(.*)\.([^.]+)$/.exec(path) ?? []
    const heading = section.endsWith('[]') ? `[[${section.slice(0, -2)}]]` : `[${section.replaceAll('[]', '')}]`
    const text = reference.split(/^#### /m).find(part => part.startsWith(`\`${heading}\``))
    assert.ok(text !== undefined, `no section ${heading}`)
    const row = text.split('\n').find(line => line.startsWith(`| \`${key}\` |`))
    assert.ok(row !== undefined, `no row for ${path}`)
    assert.ok(row.includes((schema as { description: string }).description), row)
  }
})

test('every key says what it means, and uses only annotations that the reader knows', () => {
  const known = new Set<string>([...annotationNames, 'type', 'properties', 'required', 'items', 'anyOf', 'enum', 'const'])
  for (const [path, schema] of keys) {
    assert.ok(path === 'general' || 'description' in schema, path)
    for (const name of Object.keys(schema)) assert.ok(known.has(name), `${path} has the annotation ${name}`)
  }
})

test('a table row has five cells, and defaults are in TOML notation', () => {
  for (const line of reference.split('\n').filter(one => one.startsWith('|'))) {
    assert.equal(line.replaceAll('\\|', '').split('|').length, 7, line)
  }
  assert.match(reference, /^\| `ping_rate` \| an integer from 0 to 86400000 \| `30_000` \| ms \| /m)
  assert.match(reference, /^\| `hosts` \| .* \| `\["localhost"\]` \|/m)
  assert.match(reference, /^\| `verify_mode` \| "none", "peer" or "selfsigned_peer" \| `"peer"` \|/m)
})

test('what is not available yet is listed', () => {
  for (const { pattern } of notYet) assert.ok(reference.includes(`- \`${pattern.replaceAll('[]', '')}\``), pattern)
})
