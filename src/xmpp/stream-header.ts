/** The attributes of a stream header (RFC 6120 §4.7), as `<open/>`, `<body/>` and `<stream:stream>` carry them alike. */

/** What the initiating entity sent, unprepared: what it is worth is for the stream to say. */
export interface StreamHeader {
  readonly to: string | null
  readonly from: string | null
  readonly lang: string | null
  readonly version: string | null
}

/** What the receiving entity answers. */
export interface ResponseHeader {
  readonly id: string
  readonly from: string | null
  readonly to: string | null
  readonly lang: string
  readonly version: string
}

export interface Version { readonly major: number, readonly minor: number }

/** Nearly everybody's. */
const spoken: Version = { major: 1, minor: 0 }

/** RFC 6120 §4.7.5: two integers, each compared as a number (1.10 is later than 1.2); absent means 0.9. Null where it is neither. */
export function parseVersion(version: string | null): Version | null {
  if (version === null) return { major: 0, minor: 9 }
  if (version === '1.0') return spoken
  const match = /^0*(\d{1,9})\.0*(\d{1,9})$/.exec(version)
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]) }
}
