/** XEP-0092: Software Version. Name and version only: the operating system is nobody's business (§5). */
import { tag, text } from '../../xml/write.ts'
import type { Feature } from '../feature.ts'

const NS_VERSION = 'jabber:iq:version'

export const softwareVersion: Feature = {
  name: 'version',
  specs: [{ id: 'XEP-0092', title: 'Software Version', status: 'complete', version: '1.1', note: 'name and version, not the operating system' }],
  disco: { server: [NS_VERSION] },
  iq: [{
    type: 'get', ns: NS_VERSION, local: 'query', at: ['server'],
    handle: (_request, { software }) => tag('query', { xmlns: NS_VERSION },
      tag('name', {}, text(software.name)), tag('version', {}, text(software.version))),
  }],
}
