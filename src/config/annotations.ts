/** Reads what the options schemas say about a key beside its type. The schemas live in the folders that own the options and are
 * plain TypeBox schemas, hence the guards here. */
import type { TSchema } from 'typebox'

/** The annotations that mean something to the reader and to the reference. */
export const annotationNames = ['description', 'default', 'unit', 'allowed', 'file', 'databaseUrl', 'secret', 'aliases', 'uniqueItems',
  'minItems', 'minLength', 'maxLength', 'minimum', 'maximum'] as const
export type AnnotationName = typeof annotationNames[number]

const own = (schema: TSchema, name: string): unknown =>
  Object.getOwnPropertyDescriptor(schema, name)?.value

export const annotation = (schema: TSchema, name: AnnotationName): unknown => own(schema, name)

export function text(schema: TSchema, name: AnnotationName): string | undefined {
  const value = own(schema, name)
  return typeof value === 'string' ? value : undefined
}

export function count(schema: TSchema, name: AnnotationName): number | undefined {
  const value = own(schema, name)
  return typeof value === 'number' ? value : undefined
}

export const flag = (schema: TSchema, name: AnnotationName): boolean => own(schema, name) === true

/** Other names of the values of an enumeration, and the value that each stands for. */
export function aliases(schema: TSchema): ReadonlyMap<string, string> {
  const value = own(schema, 'aliases')
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value).map(([name, target]) => [name, String(target)]) : [])
}
