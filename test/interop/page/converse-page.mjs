// Converse.js, logged in with the browser's certificate: the query says where, and as whom.
/* global converse */
const query = new URL(location.href).searchParams
const service = query.get('service')
const { warmUp } = await import(new URL('/meerkat.js', service.replace(/^wss/, 'https')))
await warmUp(service)

converse.plugins.add('page', {
  initialize() {
    // What the tests ask of it instead of a person.
    window.page = this._converse.api
  },
})
await converse.initialize({
  authentication: 'external', auto_login: true, jid: query.get('jid'), websocket_url: service, discover_connection_methods: false, enable_smacks: true,
  assets_path: '/converse/', whitelisted_plugins: ['page'], view_mode: 'fullscreen', theme: 'classic', i18n: 'en', persistent_store: 'localStorage',
  show_background: false, play_sounds: false, clear_cache_on_logout: false,
})
