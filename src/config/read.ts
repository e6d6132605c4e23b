/** Reads a parsed TOML value against its schema: fills in defaults, resolves paths and aliases, and reports every mistake with the
 * key path, what was found, what is allowed and a remedy. Where something is wrong the default takes its place, so that the rest
 * can still be checked; nothing is used once a mistake was reported. */
import { IsArray, IsBoolean, IsEnum, IsInteger, IsLiteral, IsObject, IsOptional, IsString, IsUnion } from 'typebox'
import type { TArray, TEnum, TInteger, TObject, TSchema, TString, TUnion } from 'typebox'

import { withAbsolutePath } from '../auth/accounts/database-url.ts'
import { aliases, annotation, count, flag } from './annotations.ts'
import { nearest } from './nearest.ts'
import { notYet } from './not-yet.ts'
import type { NotYet } from './not-yet.ts'
import type { Report } from './report.ts'
import { configSchema } from './schema.ts'
import { allowedText, kindText, quoted, valueText } from './wording.ts'

export type Table = { readonly [key: string]: unknown }

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** `undefined` stands for "nothing usable": the mistake has been reported. */
export function readValue(schema: TSchema, value: unknown, path: string, report: Report): unknown {
  if (IsObject(schema)) return readTable(schema, value, path, report)
  if (IsArray(schema)) return readList(schema, value, path, report)
  if (IsEnum(schema)) return readEnum(schema, value, path, report)
  if (IsUnion(schema)) return readUnion(schema, value, path, report)
  if (IsInteger(schema)) return readInteger(schema, value, path, report)
  if (IsString(schema)) return readString(schema, value, path, report)
  if (IsBoolean(schema) ? typeof value === 'boolean' : IsLiteral(schema) && value === schema.const) return value
  return refuse(schema, value, path, report)
}

function refuse(schema: TSchema, value: unknown, path: string, report: Report): undefined {
  report.mistake(path, { found: valueText(value, schema), allowed: allowedText(schema) })
  return undefined
}

function readTable(schema: TObject, value: unknown, path: string, report: Report): unknown {
  // `[listen.http]` for `[[listen.http]]`, and the reverse, are the most common slips in TOML.
  if (!isTable(value)) {
    const isList = Array.isArray(value)
    const remedy = isList ? { remedy: `Write [${path}] once, with single brackets.` } : {}
    report.mistake(path, { found: kindText(value), allowed: allowedText(schema), ...remedy })
    return undefined
  }
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(schema.properties, key)) refuseKey(schema, key, value[key], path, report)
  }
  const entries = Object.entries(schema.properties).map(([key, property]) =>
    ({ key, property, read: readProperty(property, value, key, joined(path, key), report) }))
  if (entries.some(({ property, read }) => read === undefined && !IsOptional(property))) return undefined
  return Object.fromEntries(entries.filter(({ read }) => read !== undefined).map(({ key, read }) => [key, read]))
}

function readProperty(schema: TSchema, table: Table, key: string, path: string, report: Report): unknown {
  if (Object.hasOwn(table, key)) {
    const read = readValue(schema, table[key], path, report)
    if (read !== undefined) return read
  }
  if (IsOptional(schema)) return undefined
  if (Object.hasOwn(table, key) && annotation(schema, 'default') === undefined && !IsObject(schema)) return undefined
  // A table that is not there has the defaults of its keys.
  return readValue(schema, IsObject(schema) ? {} : annotation(schema, 'default'), path, report)
}

function readList(schema: TArray, value: unknown, path: string, report: Report): unknown {
  if (!Array.isArray(value)) {
    const remedy = isTable(value) ? `Write [[${path}]] with double brackets: there may be several.` : 'Put it into square brackets: [ … ].'
    report.mistake(path, { found: valueText(value, schema.items), allowed: allowedText(schema), remedy })
    return undefined
  }
  const items: readonly unknown[] = value
  const later = notYet.find(({ pattern, values }) => values !== undefined && pattern === `${patternOf(path)}[]`)
  const refused = items.filter(item => typeof item === 'string' && later?.values?.includes(item) === true)
  if (later !== undefined && refused.length > 0) {
    refuseLater(later, refused.map(item => valueText(item)).join(', '), path, 'Remove what is named here from the list', report)
  }
  const read = items.flatMap((item, index) => {
    if (refused.includes(item)) return []
    const itemRead = readValue(schema.items, item, `${path}[${index}]`, report)
    return itemRead === undefined ? [] : [itemRead]
  })
  if (items.length < (count(schema, 'minItems') ?? 0)) return refuse(schema, value, path, report)
  if (flag(schema, 'uniqueItems')) {
    const texts = read.map(item => JSON.stringify(item))
    const repeated = texts.find((item, index) => texts.indexOf(item) < index)
    if (repeated !== undefined) {
      report.mistake(path, { found: `${repeated} twice`, allowed: 'each entry once', remedy: 'Remove one of them.' })
      return undefined
    }
  }
  return read.length < (count(schema, 'minItems') ?? 0) ? undefined : read
}

function readEnum(schema: TEnum, value: unknown, path: string, report: Report): unknown {
  if (typeof value === 'string') {
    const meant = aliases(schema).get(value) ?? value
    if (schema.enum.includes(meant)) return meant
    const suggestion = nearest(value, [...schema.enum.map(String), ...aliases(schema).keys()])
    const remedy = suggestion === undefined ? {} : { remedy: `Did you mean ${quoted(suggestion)}?` }
    report.mistake(path, { found: valueText(value, schema), allowed: allowedText(schema), ...remedy })
    return undefined
  }
  return refuse(schema, value, path, report)
}

/** The alternatives of our schemas differ in kind, so the kind of the value chooses. */
function readUnion(schema: TUnion, value: unknown, path: string, report: Report): unknown {
  const alternative = schema.anyOf.find(one =>
    isTable(value) ? IsObject(one) : typeof value === 'string' ? IsEnum(one) || IsString(one) : IsLiteral(one) && one.const === value)
  return alternative === undefined ? refuse(schema, value, path, report) : readValue(alternative, value, path, report)
}

function readInteger(schema: TInteger, value: unknown, path: string, report: Report): unknown {
  const inRange = typeof value === 'number' && Number.isSafeInteger(value)
    && value >= (count(schema, 'minimum') ?? -Infinity) && value <= (count(schema, 'maximum') ?? Infinity)
  if (inRange) return value
  const remedy = typeof value === 'string' && /^\d+$/.test(value) ? { remedy: 'Write the number without quotes.' } : {}
  report.mistake(path, { found: valueText(value, schema), allowed: allowedText(schema), ...remedy })
  return undefined
}

function readString(schema: TString, value: unknown, path: string, report: Report): unknown {
  const fits = typeof value === 'string' && value.length >= (count(schema, 'minLength') ?? 0)
    && value.length <= (count(schema, 'maxLength') ?? Infinity)
  if (!fits) return refuse(schema, value, path, report)
  if (flag(schema, 'databaseUrl')) return withAbsolutePath(value, path => report.resolve(path))
  return flag(schema, 'file') ? report.resolve(value) : value
}

function refuseKey(schema: TObject, key: string, value: unknown, path: string, report: Report): void {
  const place = joined(path, key)
  const later = notYet.find(({ pattern, values }) => values === undefined && pattern === patternOf(place))
  if (later !== undefined) {
    const isSection = isTable(value) || (Array.isArray(value) && value.some(isTable))
    if (later.harmless?.(value) !== true) refuseLater(later, isSection ? 'this section' : 'this key', place, 'Remove it', report)
    return
  }
  const known = Object.keys(schema.properties)
  const suggestion = nearest(key, known)
  const elsewhere = suggestion === undefined ? placeOf(key, configSchema, '') : undefined
  report.mistake(place, {
    found: 'a key that is not known',
    allowed: known.length === 0 ? 'no keys here' : known.join(', '),
    remedy: suggestion !== undefined ? `Did you mean \`${suggestion}\`?`
      : elsewhere !== undefined ? `\`${key}\` belongs in ${elsewhere}.` : 'Remove it.',
  })
}

function refuseLater({ brings }: NotYet, found: string, path: string, remedy: string, report: Report): void {
  report.mistake(path, { found: `${found}: not available yet`, remedy: `${remedy}: a later version of Meerkat brings ${brings}.` })
}

/** The section that has a key of this name, for keys put into the wrong one. */
function placeOf(key: string, schema: TSchema, path: string): string | undefined {
  if (IsArray(schema)) return placeOf(key, schema.items, path === '' ? path : `${path}[]`)
  if (IsUnion(schema)) return schema.anyOf.map(one => placeOf(key, one, path)).find(place => place !== undefined)
  if (!IsObject(schema)) return undefined
  if (path !== '' && Object.hasOwn(schema.properties, key)) return path
  return Object.entries(schema.properties).map(([name, property]) => placeOf(key, property, joined(path, name))).find(place => place !== undefined)
}

function joined(path: string, key: string): string {
  const shown = /^[\w-]{1,64}$/.test(key) ? key : quoted(key)
  return path === '' ? shown : `${path}.${shown}`
}

const patternOf = (path: string) => path.replace(/\[\d+\]/g, '[]')
