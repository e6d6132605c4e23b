/**
 * Meerkat in a web page: discovery (XEP-0156), the warm-up that a browser needs before a WebSocket with a client certificate, the
 * WebSocket itself (RFC 7395), and a whole log-in by certificate (SASL EXTERNAL, XEP-0178 §2). A plain module without dependencies.
 *
 * With a library, warm up and then connect as usual:
 *
 *     import { warmUp } from 'https://chat.example.org:5285/meerkat.js'
 *     await warmUp('wss://chat.example.org:5285/xmpp-websocket')
 *     new Strophe.Connection('wss://chat.example.org:5285/xmpp-websocket', { mechanisms: [Strophe.SASLExternal] })
 *
 * Without one: `const { jid, socket } = await login('wss://chat.example.org:5285/xmpp-websocket', { to: 'chat.example.org' })`.
 */

const ns = /** @type {const} */ ({
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  streams: 'http://etherx.jabber.org/streams',
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  client: 'jabber:client',
  ping: 'urn:xmpp:ping',
})

/**
 * What went wrong, with the remedy as far as one is known.
 */
export class MeerkatError extends Error {
  name = 'MeerkatError'
  /**
   * @param {string} message
   * @param {{ condition?: string | null, text?: string | null, cause?: unknown }} [details] `condition`: of SASL, of the stream or of a
   *   stanza (RFC 6120 §6.5, §4.9.3, §8.3.3); `text`: what the server said of it
   */
  constructor(message, { condition = null, text = null, cause } = {}) {
    super(message, { cause })
    /** @readonly */
    this.condition = condition
    /** @readonly */
    this.text = text
  }
}

/**
 * The endpoints of a server (XEP-0156 §3). This is a warm-up too, for the host and port that it asks.
 *
 * @param {string | URL} server a domain (`example.org`), `host:port`, or an https URL
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<{ websocket: string[], bosh: string[] }>}
 */
export async function discover(server, { signal } = {}) {
  const { origin } = serverUrl(server)
  const response = await fetchHostMeta(origin, signal)
  if (!response.ok) throw new MeerkatError(`${origin} has no host-meta.json (HTTP ${response.status}): name the WebSocket's URL itself.`)
  const { links } = await response.json().catch(() => ({}))
  /** @param {string} rel @param {string} scheme */
  const endpoints = (rel, scheme) => (Array.isArray(links) ? links : [])
    // XEP-0156 §5: only URLs that TLS protects.
    .filter(link => link?.rel === `urn:xmpp:alt-connections:${rel}` && URL.canParse(link.href) && new URL(link.href).protocol === scheme)
    .map(link => String(link.href))
  return { websocket: endpoints('websocket', 'wss:'), bosh: endpoints('xbosh', 'https:') }
}

/**
 * Makes the browser decide which certificate it shows to this host and port. A WebSocket never asks the person: without a decision its
 * handshake is cut (close code 1006), even in a browser that has no certificate at all. A request may ask, and the answer is remembered.
 *
 * @param {string | URL} url of the WebSocket, or of the server
 * @param {{ signal?: AbortSignal }} [options]
 * @returns {Promise<void>}
 */
export async function warmUp(url, { signal } = {}) {
  await fetchHostMeta(serverUrl(url).origin, signal)
}

/**
 * Warms up and opens the WebSocket: for libraries that take one that is open already.
 *
 * @param {string | URL} target `wss://…`, or else what `discover` takes
 * @param {{ signal?: AbortSignal, timeoutMilliseconds?: number }} [options]
 * @returns {Promise<WebSocket>}
 */
export async function connect(target, { signal, timeoutMilliseconds = 20_000 } = {}) {
  const url = await endpointOf(target, signal)
  await warmUp(url, { signal })
  return openSocket(url, signal, timeoutMilliseconds)
}

/**
 * @typedef {'warm-up' | 'connect' | 'open' | 'features' | 'auth' | 'restart' | 'bind'} StepName
 * @typedef {{ name: StepName, state: 'begun' | 'done' | 'failed', detail: string, milliseconds: number }} Step
 * @typedef {object} Session
 * @property {string} jid the full JID that was bound
 * @property {WebSocket} socket open; from here on its messages are yours
 * @property {() => Promise<number>} ping asks the server (XEP-0199); milliseconds until the answer
 * @property {() => Promise<CloseEvent>} close says goodbye (RFC 7395 §3.6) and closes the WebSocket
 */

/**
 * A whole log-in with the certificate that the browser shows.
 *
 * @param {string | URL} target `wss://…`, or else what `discover` takes
 * @param {object} options
 * @param {string} options.to the domain to log in to
 * @param {string | null} [options.authzid] whom to be, as a bare JID; needed where the certificate has several addresses
 * @param {string | null} [options.resource] by default the server makes one
 * @param {(step: Step) => void} [options.onStep] hears each step begin, and be done or fail
 * @param {AbortSignal} [options.signal]
 * @param {number} [options.timeoutMilliseconds] for each answer of the server. The warm-up has no limit: a person may be choosing
 * @returns {Promise<Session>}
 */
export async function login(target, { to, authzid = null, resource = null, onStep = () => {}, signal, timeoutMilliseconds = 20_000 }) {
  /** @template T @param {StepName} name @param {() => Promise<[T, string]>} act @returns {Promise<T>} */
  const step = async (name, act) => {
    const begun = performance.now()
    /** @param {Step['state']} state */
    const tell = (state, detail = '') => { onStep({ name, state, detail, milliseconds: performance.now() - begun }) }
    tell('begun')
    try {
      const [value, detail] = await act()
      tell('done', detail)
      return value
    } catch (error) {
      tell('failed', error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  const url = await step('warm-up', async () => {
    const endpoint = await endpointOf(target, signal)
    await warmUp(endpoint, { signal })
    return [endpoint, `${serverUrl(endpoint).origin} answered: the browser has settled which certificate it shows there, if any`]
  })
  const socket = await step('connect', async () => [await openSocket(url, signal, timeoutMilliseconds), url])
  const inbox = new Inbox(socket, signal, timeoutMilliseconds)
  try {
    const open = async () => {
      send(socket, [ns.framing, 'open', { to, version: '1.0' }])
      const header = expect(await inbox.next(), ns.framing, 'open')
      return /** @type {[null, string]} */ ([null, `${header.getAttribute('from') ?? to} answered, stream ${header.getAttribute('id') ?? ''}`])
    }
    const features = async () => expect(await inbox.next(), ns.streams, 'features')

    await step('open', open)
    await step('features', async () => {
      const offered = [...(await features()).getElementsByTagNameNS(ns.sasl, 'mechanism')].map(({ textContent }) => textContent ?? '')
      // It is tried all the same: the failure says why it was not offered.
      return [null, offered.includes('EXTERNAL')
        ? `offered: ${offered.join(', ')}`
        : `EXTERNAL is not offered${offered.length > 0 ? ` (${offered.join(', ')})` : ''}; it is tried all the same, to hear why`]
    })
    await step('auth', async () => {
      // RFC 6120 §6.4.2: `=` is an initial response of length zero.
      const payload = authzid === null || authzid === '' ? '=' : base64(authzid)
      send(socket, [ns.sasl, 'auth', { mechanism: 'EXTERNAL' }, payload])
      let answer = await inbox.next()
      if (is(answer, ns.sasl, 'challenge')) {
        send(socket, [ns.sasl, 'response', {}, payload])
        answer = await inbox.next()
      }
      if (is(answer, ns.sasl, 'failure')) throw failure('The server refuses the log-in', answer, ns.sasl)
      expect(answer, ns.sasl, 'success')
      return [null, authzid ? `EXTERNAL accepted, as ${authzid}` : 'EXTERNAL accepted']
    })
    // RFC 6120 §6.4.6: a new stream after success.
    await step('restart', async () => {
      const answer = await open()
      await features()
      return answer
    })
    const jid = await step('bind', async () => {
      const id = 'meerkat-bind'
      const wish = resource === null ? [] : [[ns.bind, 'resource', {}, resource]]
      send(socket, [ns.client, 'iq', { type: 'set', id }, [ns.bind, 'bind', {}, ...wish]])
      const answer = expect(await inbox.next(), ns.client, 'iq')
      if (answer.getAttribute('type') !== 'result') throw failure('The server binds no resource', answer, ns.stanzaErrors)
      const bound = answer.getElementsByTagNameNS(ns.bind, 'jid')[0]?.textContent ?? ''
      return [bound, bound]
    })
    inbox.stop()
    return { jid, socket, ping: () => ping(socket, to, signal, timeoutMilliseconds), close: () => close(socket) }
  } catch (error) {
    inbox.stop()
    void close(socket)
    throw error
  }
}

/** The elements that arrive, one after the other; what ends the stream is an error. */
class Inbox {
  /** @type {(string | MeerkatError)[]} */
  #arrived = []
  /** @type {(() => void) | null} */
  #wake = null
  #over = new AbortController()
  #timeoutMilliseconds

  /** @param {WebSocket} socket @param {AbortSignal | undefined} signal @param {number} timeoutMilliseconds */
  constructor(socket, signal, timeoutMilliseconds) {
    this.#timeoutMilliseconds = timeoutMilliseconds
    const until = { signal: this.#over.signal }
    const push = (/** @type {string | MeerkatError} */ arrival) => { this.#arrived.push(arrival); this.#wake?.() }
    socket.addEventListener('message', ({ data }) => {
      push(typeof data === 'string' ? data : new MeerkatError('The server sent a binary message.'))
    }, until)
    socket.addEventListener('close', ({ code, reason }) => {
      push(new MeerkatError(`The connection ended (close code ${code}${reason ? `: ${reason}` : ''}).${code === 1006
        ? ' It was cut without a goodbye: by the network, by a proxy, or because the server stopped.' : ''}`))
    }, until)
    signal?.addEventListener('abort', () => { push(new MeerkatError('It was called off.', { cause: signal.reason })) }, until)
  }

  stop() { this.#over.abort() }

  /** @returns {Promise<Element>} */
  async next() {
    const deadline = performance.now() + this.#timeoutMilliseconds
    while (this.#arrived.length === 0) {
      const left = deadline - performance.now()
      if (left <= 0) throw new MeerkatError(`The server did not answer within ${this.#timeoutMilliseconds / 1000} seconds.`)
      await new Promise(resolve => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => { clearTimeout(timer); resolve(undefined) }
      })
    }
    const arrival = this.#arrived.shift()
    if (typeof arrival !== 'string') throw arrival
    const element = parse(arrival)
    if (is(element, ns.streams, 'error')) throw failure('The server ended the stream', element, ns.streamErrors)
    if (is(element, ns.framing, 'close')) throw new MeerkatError('The server closed the stream.')
    return element
  }
}

/** @param {WebSocket} socket @param {string} to @param {AbortSignal | undefined} signal @param {number} timeoutMilliseconds */
async function ping(socket, to, signal, timeoutMilliseconds) {
  const inbox = new Inbox(socket, signal, timeoutMilliseconds)
  try {
    const id = `meerkat-ping-${performance.now()}`
    const begun = performance.now()
    send(socket, [ns.client, 'iq', { type: 'get', to, id }, [ns.ping, 'ping', {}]])
    // Whatever else arrives meanwhile is for others. An error is an answer too.
    while ((await inbox.next()).getAttribute('id') !== id);
    return performance.now() - begun
  } finally {
    inbox.stop()
  }
}

/** @param {WebSocket} socket @returns {Promise<CloseEvent>} */
function close(socket) {
  return new Promise(resolve => {
    socket.addEventListener('close', resolve, { once: true })
    // RFC 7395 §3.6: who closes the stream waits for the other's <close/>, but not for ever.
    const timer = setTimeout(() => { socket.close() }, 5_000)
    socket.addEventListener('close', () => { clearTimeout(timer) }, { once: true })
    socket.addEventListener('message', ({ data }) => {
      const element = typeof data === 'string' ? documentOf(data).documentElement : null
      if (element !== null && is(element, ns.framing, 'close')) socket.close(1000)
    })
    if (socket.readyState === WebSocket.OPEN) send(socket, [ns.framing, 'close', {}])
    else if (socket.readyState === WebSocket.CLOSED) resolve(new CloseEvent('close', { code: 1006 }))
  })
}

/** @param {string} url @param {AbortSignal | undefined} signal @param {number} timeoutMilliseconds @returns {Promise<WebSocket>} */
function openSocket(url, signal, timeoutMilliseconds) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const socket = new WebSocket(url, 'xmpp')
    const over = new AbortController()
    const settle = (/** @type {() => void} */ act) => { clearTimeout(timer); over.abort(); act() }
    const refuse = (/** @type {Error} */ error) => { settle(() => { socket.close(); reject(error) }) }
    const late = `${url} did not answer within ${timeoutMilliseconds / 1000} seconds.`
    const timer = setTimeout(() => { refuse(new MeerkatError(late)) }, timeoutMilliseconds)
    socket.addEventListener('open', () => { settle(() => { resolve(socket) }) }, { signal: over.signal })
    socket.addEventListener('close', ({ code }) => { refuse(new MeerkatError(notOpened(url, code))) }, { signal: over.signal })
    const abandon = () => { refuse(new MeerkatError('It was called off.', { cause: signal?.reason })) }
    signal?.addEventListener('abort', abandon, { signal: over.signal })
  })
}

/** @param {string} url @param {number} code */
const notOpened = (url, code) =>
  `The WebSocket ${url} did not open (close code ${code}; browsers tell pages no more than that). Most likely the browser has not decided on a `
  + `certificate for this host and port: warm up first, or open ${serverUrl(url).origin}/ in it. Or the server refuses pages of the origin `
  + `${location.origin} (its operator lists it in listen.http.origins), or it demands a certificate and got none (require_certificate). `
  + 'A wrong path, or a proxy that lets no WebSocket pass, looks the same.'

/** @param {string} origin @param {AbortSignal} [signal] */
async function fetchHostMeta(origin, signal) {
  const address = `${origin}/.well-known/host-meta.json`
  try {
    return await fetch(address, { credentials: 'include', cache: 'no-store', signal })
  } catch (cause) {
    signal?.throwIfAborted()
    // Everybody may read host-meta, but only pages of a listed origin with their visitor's certificate.
    const isReachable = await fetch(address, { credentials: 'omit', cache: 'no-store', signal }).then(() => true, () => false)
    throw new MeerkatError(isReachable
      ? `${origin} does not let pages of the origin ${location.origin} in: its operator has to list it in listen.http.origins.`
      : `${origin} cannot be reached from this page. Open ${origin}/ in this browser: it shows whether the server is there, whether its own `
        + 'certificate is trusted, and whether it demands one of yours (require_certificate). If all is well there, the origin '
        + `${location.origin} may have to be listed in listen.http.origins.`, { cause })
  }
}

/** @param {string | URL} target @param {AbortSignal} [signal] @returns {Promise<string>} */
async function endpointOf(target, signal) {
  if (/^wss?:/i.test(String(target))) return new URL(target).href
  const [endpoint] = (await discover(target, { signal })).websocket
  if (endpoint === undefined) throw new MeerkatError(`${serverUrl(target).origin} announces no WebSocket in its host-meta.json (XEP-0156).`)
  return endpoint
}

/** @param {string | URL} server */
function serverUrl(server) {
  const text = String(server)
  const absolute = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  if (!/^(?:https?|wss?):/i.test(absolute) || !URL.canParse(absolute)) {
    throw new MeerkatError(`"${text}" is neither a domain nor a URL of a server.`)
  }
  return new URL(absolute.replace(/^ws/i, 'http'))
}

/** @param {string} text */
const base64 = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** @typedef {[namespace: string, name: string, attributes: Record<string, string>, ...children: unknown[]]} Tree */

/** Written by the browser's own serializer, which escapes. @param {WebSocket} socket @param {Tree} tree */
function send(socket, tree) {
  const document = new Document()
  /** @param {Tree} tree @returns {Element} */
  const build = ([namespace, name, attributes, ...children]) => {
    const element = document.createElementNS(namespace, name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    for (const child of children) element.append(typeof child === 'string' ? child : build(/** @type {Tree} */ (child)))
    return element
  }
  socket.send(new XMLSerializer().serializeToString(build(tree)))
}

/** @param {string} text */
const documentOf = text => new DOMParser().parseFromString(text, 'text/xml')

/** @param {string} text @returns {Element} */
function parse(text) {
  const { documentElement } = documentOf(text)
  if (documentElement.getElementsByTagName('parsererror').length > 0 || documentElement.localName === 'parsererror') {
    throw new MeerkatError('The server sent what is not XML.')
  }
  return documentElement
}

/** @param {Element} element @param {string} namespace @param {string} name */
const is = (element, namespace, name) => element.namespaceURI === namespace && element.localName === name

/** @param {Element} element @param {string} namespace @param {string} name */
function expect(element, namespace, name) {
  if (!is(element, namespace, name)) throw new MeerkatError(`The server sent <${element.localName}/> where <${name}/> was expected.`)
  return element
}

/** RFC 6120 §4.9.2, §6.5, §8.3.2: a condition, and perhaps words. @param {string} what @param {Element} element @param {string} namespace */
function failure(what, element, namespace) {
  const within = [...element.getElementsByTagNameNS(namespace, '*')]
  const condition = within.find(({ localName }) => localName !== 'text')?.localName ?? 'undefined-condition'
  const text = within.find(({ localName }) => localName === 'text')?.textContent ?? null
  return new MeerkatError(`${what}: ${condition}${text ? `. ${text}` : '.'}`, { condition, text })
}
