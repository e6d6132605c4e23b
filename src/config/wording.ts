/** Words for values and for what a schema allows, as the messages and the reference say them. */
import { IsArray, IsBoolean, IsEnum, IsInteger, IsLiteral, IsObject, IsUnion } from 'typebox'
import type { TSchema } from 'typebox'

import { aliases, count, flag, text } from './annotations.ts'

const longestShown = 60

/** A value from the file, for a message: a scalar as it stands, anything bigger by its kind only. */
export function valueText(value: unknown, schema?: TSchema): string {
  if (schema !== undefined && flag(schema, 'secret')) return `${kindText(value)} (not shown)`
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return kindText(value)
}

/** Quoted, with control characters escaped, and cut when long. */
export function quoted(value: string): string {
  const shown = value.length > longestShown ? `${value.slice(0, longestShown)}…` : value
  return JSON.stringify(shown).replace(/[\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g, character =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function kindText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof Date) return 'a date'
  switch (typeof value) {
    case 'string': return value === '' ? 'an empty string' : 'a string'
    case 'number': return 'a number'
    case 'boolean': return 'a boolean'
    case 'undefined': return 'nothing'
    default: return 'a table'
  }
}

export function alternatives(words: readonly string[]): string {
  const last = words.at(-1) ?? 'nothing'
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

/** What may stand at a key. */
export function allowedText(schema: TSchema, unit: 'with unit' | 'without unit' = 'with unit'): string {
  const said = text(schema, 'allowed')
  if (said !== undefined) return said
  if (IsEnum(schema)) return alternatives([...schema.enum.map(value => quoted(String(value))), ...[...aliases(schema).keys()].map(quoted)])
  if (IsInteger(schema)) return `an integer ${rangeText(schema)}${unit === 'with unit' ? unitText(schema) : ''}`
  if (IsBoolean(schema)) return 'true or false'
  if (IsLiteral(schema)) return String(schema.const)
  if (IsArray(schema) && IsObject(schema.items)) return 'a list of tables'
  if (IsArray(schema)) return `${count(schema, 'minItems') === 1 ? 'a non-empty list' : 'a list'}, each entry ${allowedText(schema.items)}`
  if (IsUnion(schema)) return alternatives(schema.anyOf.map(one => allowedText(one)))
  if (IsObject(schema)) {
    const keys = Object.keys(schema.properties)
    return keys.length === 0 ? 'an empty table' : keys.length < 3 ? `a table with ${keys.join(' and ')}` : 'a table'
  }
  if (flag(schema, 'file')) return 'the path of a file, relative to the configuration file'
  return count(schema, 'minLength') === 1 ? 'a non-empty string' : 'a string'
}

function rangeText(schema: TSchema): string {
  const [minimum, maximum] = [count(schema, 'minimum'), count(schema, 'maximum')]
  return minimum === undefined ? `up to ${maximum ?? 'any size'}` : maximum === undefined ? `from ${minimum}` : `from ${minimum} to ${maximum}`
}

function unitText(schema: TSchema): string {
  const unit = text(schema, 'unit')
  return unit === undefined ? '' : ` (${unit})`
}
