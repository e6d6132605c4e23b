// What the interop tests use of @xmpp/client 0.14, which comes without types.
declare module '@xmpp/client' {
  export interface XmlElement {
    readonly name: string
    readonly attrs: Readonly<Record<string, string | undefined>>
    is(name: string, ns?: string): boolean
    getChildText(name: string, ns?: string): string | null
    getChildren(name: string, ns?: string): XmlElement[]
  }
  export type Authenticate = (credentials: object, mechanism: string) => Promise<void>
  export interface XmppClient {
    readonly jid: { toString(): string } | null
    readonly saslFactory: { use(name: string, mechanism: new () => object): void }
    readonly iqCaller: { get(query: XmlElement, to: string): Promise<XmlElement> }
    on(event: 'stanza', listener: (stanza: XmlElement) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'disconnect', listener: (end: { readonly clean: boolean }) => void): this
    send(element: XmlElement): Promise<void>
    start(): Promise<unknown>
    stop(): Promise<unknown>
  }
  export function client(options: { readonly service: string, readonly domain: string, readonly resource?: string,
    readonly credentials?: (authenticate: Authenticate, mechanisms: readonly string[]) => Promise<void>,
    readonly username?: string, readonly password?: string }): XmppClient
  export function xml(name: string, attributes: object | string, ...children: readonly (XmlElement | string)[]): XmlElement
}
