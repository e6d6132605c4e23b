/** Web origins as browsers serialise them (RFC 6454 §6.2): they are compared letter by letter with the Origin header. */

/** What to do about something that is not a serialised origin; null when it is one. */
export function originMistake(origin: string): string | null {
  if (origin === '*') return 'List each origin: a browser sends certificates along silently, so "every page" is not offered.'
  if (origin === 'null') return 'Remove it: "null" is what every sandboxed page sends.'
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#\\@*\s]+)$/.exec(origin)
  if (parts === null) {
    return URL.canParse(origin) && new URL(origin).origin !== 'null' && !origin.includes('*')
      ? `Leave out everything after host and port: ${JSON.stringify(new URL(origin).origin)}.`
      : 'Write it as in "https://chat.example.org".'
  }
  const scheme = (parts[1] ?? '').toLowerCase()
  if (scheme === 'ws' || scheme === 'wss') {
    return `Write "${scheme === 'wss' ? 'https' : 'http'}": the origin is that of the page, not of the WebSocket.`
  }
  if (scheme === 'file') return 'Serve the page over HTTP: pages from files have no origin.'
  if (!URL.canParse(origin)) return 'Write it as in "https://chat.example.org".'
  // Schemes of applications (as in "capacitor://localhost") have no origin by the URL standard: compared as they are, in lower case.
  const serialised = scheme === 'http' || scheme === 'https' ? new URL(origin).origin : origin.toLowerCase()
  return serialised === origin ? null : `Write ${JSON.stringify(serialised)}.`
}
