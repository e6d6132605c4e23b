// The whole of a login as any client does it: stream, EXTERNAL with an initial response, new stream, resource.
/** A connection that has been opened, whatever carries the elements. */
interface Speaker { ask(text: string, count: number): Promise<string[]> }

const header = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>'

/** Resolves when its features are there. */
export const openStream = async (connection: Speaker): Promise<void> => { await connection.ask(header, 2) }

/** Resolves with the full JID. */
export async function logIn(connection: Speaker): Promise<string> {
  await openStream(connection)
  const [success = ''] = await connection.ask('<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="EXTERNAL">=</auth>', 1)
  if (!success.startsWith('<success')) throw new Error(`no login: ${success}`)
  return bindResource(connection)
}

/** After authentication. */
export async function bindResource(connection: Speaker): Promise<string> {
  await openStream(connection)
  const [bound = ''] = await connection.ask('<iq xmlns="jabber:client" type="set" id="b1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>', 1)
  const jid = /<jid>([^<]+)<\/jid>/.exec(bound)?.[1]
  if (jid === undefined) throw new Error(`no resource: ${bound}`)
  return jid
}
