/** A secret from a file: its first line counts, as openssl's own `-passin file:` has it. */

/** `content` of the file. */
export const firstLine = (content: string): string => content.split(/\r?\n/, 1)[0] ?? ''
