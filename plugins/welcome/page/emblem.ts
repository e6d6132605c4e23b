/** A meerkat on guard: the page's emblem, and its icon. */
import { html } from './html.ts'

export const emblem = html`<svg class="emblem" viewBox="0 0 32 32" aria-hidden="true">
<rect width="32" height="32" rx="9" fill="#8a5a2b"/>
<circle cx="10.6" cy="8.6" r="1.7" fill="#d9b98a"/><circle cx="21.4" cy="8.6" r="1.7" fill="#d9b98a"/>
<path d="M11 32c0-6 1-9 1-13-1-1-2-3-2-6 0-4 2.6-7 6-7s6 3 6 7c0 3-1 5-2 6 0 4 1 7 1 13z" fill="#f3dfbf"/>
<g fill="#3b2716"><ellipse cx="13.4" cy="12.5" rx="1.9" ry="2.3"/><ellipse cx="18.6" cy="12.5" rx="1.9" ry="2.3"/>
<ellipse cx="16" cy="16.4" rx="1.5" ry="1.1"/></g>
</svg>`

/** A `data:` URL. */
export const icon = `data:image/svg+xml,${encodeURIComponent(emblem.toString().replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" '))}`
