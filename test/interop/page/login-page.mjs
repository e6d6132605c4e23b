// The buttons of login.html. `?service=wss://…&jid=…` (or https://… for BOSH) says where to log in, and as whom.
import { $msg, $pres, Strophe } from './strophe.js'
import { logIn, warmUp } from './login.mjs'

const parameters = new URL(location.href).searchParams
const service = parameters.get('service')
const jid = parameters.get('jid')
const byId = id => document.getElementById(id)

let connection = null

function show(line) {
  const item = document.createElement('li')
  item.textContent = line
  byId('log').append(item)
}

const onClick = (id, action) => byId(id).addEventListener('click', () => {
  action().catch(error => show(`${id} failed: ${error.message}`))
})

onClick('warm-up', async () => {
  await warmUp(service)
  show('warmed up')
})

onClick('log-in', async () => {
  connection = await logIn(service, jid)
  connection.addHandler(message => {
    show(`${message.getAttribute('from')}: ${message.querySelector('body').textContent}`)
    return true
  }, null, 'message', 'chat')
  connection.send($pres())
  show(`logged in as ${connection.jid}`)
})

onClick('log-out', async () => {
  await new Promise(resolve => {
    connection.connect_callback = status => { if (status === Strophe.Status.DISCONNECTED) resolve() }
    connection.disconnect()
  })
  show('logged out')
})

onClick('say', async () => {
  connection.send($msg({ to: 'bob@localhost', type: 'chat' }).c('body').t(byId('text').value))
})

// Strophe.js has nothing to try where no mechanism is offered, so this tries EXTERNAL all the same and shows the server's words.
onClick('ask', async () => {
  const socket = new WebSocket(service, 'xmpp')
  socket.addEventListener('open', () => {
    show('the WebSocket is open')
    socket.send('<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>')
    socket.send('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>')
  })
  socket.addEventListener('message', ({ data }) => {
    const { documentElement } = new DOMParser().parseFromString(data, 'text/xml')
    if (documentElement.localName !== 'failure') return
    show(`refused, ${documentElement.firstElementChild.localName}: ${documentElement.querySelector('text').textContent}`)
    socket.close()
  })
  socket.addEventListener('close', ({ code }) => show(`the WebSocket was closed with ${code}`))
})
