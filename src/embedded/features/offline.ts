/** XEP-0160: Best Practices for Handling Offline Messages. What is kept, and when it is given, is the router's business. */
import type { Feature } from '../feature.ts'

export const offline: Feature = {
  name: 'offline',
  specs: [
    { id: 'XEP-0160', title: 'Best Practices for Handling Offline Messages', status: 'complete', version: '1.0.1', note: 'kept until a client has acknowledged them, where it can (XEP-0198)' },
    { id: 'XEP-0334', title: 'Message Processing Hints', status: 'partial', version: '0.3.0', note: 'no-store and store of messages for those who are not there, no-copy' },
  ],
  disco: { server: ['msgoffline'] },
}
