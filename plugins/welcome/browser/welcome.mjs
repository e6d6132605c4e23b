/** The welcome page's own script: tries the log-in when asked, and shows each step as it happens. */
import { login } from '/meerkat.js'

const card = document.querySelector('#trial')
const titles = {
  'warm-up': 'Warm up the browser',
  connect: 'Open the WebSocket',
  open: 'Open the XMPP stream',
  features: 'Read what the server offers',
  auth: 'Authenticate with SASL EXTERNAL',
  restart: 'Open the stream anew, authenticated',
  bind: 'Bind a resource',
  ping: 'Ping the server and wait for the answer',
  close: 'Say goodbye and close',
}

if (card instanceof HTMLElement) enable(card)

/** @param {HTMLElement} card */
function enable(card) {
  const form = /** @type {HTMLFormElement} */ (card.querySelector('form'))
  const whom = /** @type {HTMLSelectElement} */ (card.querySelector('#whom'))
  const nameRow = /** @type {HTMLElement} */ (card.querySelector('#name-row'))
  const name = /** @type {HTMLInputElement} */ (card.querySelector('#name'))
  const button = /** @type {HTMLButtonElement} */ (card.querySelector('button'))
  const chosen = () => whom.selectedOptions[0]?.dataset ?? {}
  const showName = () => { nameRow.hidden = !('wantsName' in chosen()) }
  whom.addEventListener('change', showName)
  showName()
  form.hidden = false
  form.addEventListener('submit', async event => {
    event.preventDefault()
    button.disabled = true
    const { to = '', authzid = '' } = chosen()
    await attempt(card, to, nameRow.hidden ? authzid : name.value.trim())
    button.disabled = false
    button.textContent = 'Try again'
  })
}

/** @param {HTMLElement} card @param {string} to @param {string} authzid */
async function attempt(card, to, authzid) {
  const steps = /** @type {HTMLElement} */ (card.querySelector('#steps'))
  const outcome = /** @type {HTMLElement} */ (card.querySelector('#outcome'))
  steps.replaceChildren()
  outcome.hidden = true
  const url = new URL(card.dataset.websocketPath ?? '', location.href)
  url.protocol = location.protocol === 'http:' ? 'ws:' : 'wss:'

  /** @type {Map<string, HTMLElement>} */
  const items = new Map()
  /** @param {{ name: string, state: string, detail?: string, milliseconds?: number }} step */
  const show = ({ name, state, detail = '', milliseconds }) => {
    const item = items.get(name) ?? document.createElement('li')
    if (!items.has(name)) steps.append(item)
    items.set(name, item)
    item.dataset.state = state
    const words = { begun: 'under way', done: 'done', failed: 'failed' }[state] ?? state
    item.replaceChildren(text('strong', titles[/** @type {keyof typeof titles} */ (name)]), text('span', words, 'state'),
      ...state === 'done' && milliseconds !== undefined ? [text('span', `${Math.round(milliseconds)} ms`, 'time')] : [],
      ...detail === '' || state === 'failed' ? [] : [text('p', detail)])
  }
  const conclude = (/** @type {string} */ tone, /** @type {string} */ words) => {
    outcome.className = tone
    outcome.textContent = words
    outcome.hidden = false
  }

  let current = 'warm-up'
  try {
    const session = await login(url, { to, authzid: authzid || null, onStep: step => { current = step.name; show(step) } })
    current = 'ping'
    show({ name: current, state: 'begun' })
    const milliseconds = await session.ping()
    show({ name: current, state: 'done', detail: `${to} answered`, milliseconds })
    current = 'close'
    show({ name: current, state: 'begun' })
    const { code, wasClean } = await session.close()
    show({ name: current, state: wasClean ? 'done' : 'failed', detail: `WebSocket closed with code ${code}` })
    conclude('good', `It works: you were logged in as ${session.jid}, the server answered, and the connection was closed in good order.`)
  } catch (error) {
    show({ name: current, state: 'failed' })
    conclude('bad', error instanceof Error ? error.message : String(error))
  }
}

/** @param {string} tag @param {string} content @param {string} [className] */
function text(tag, content, className = '') {
  const element = document.createElement(tag)
  element.textContent = content
  if (className !== '') element.className = className
  return element
}
