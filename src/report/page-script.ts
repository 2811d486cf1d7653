import type { PageData } from './page-data.js';

/** The formatters of numbers that the page borrows; their sources are embedded beside that of `pageScript`. */
export interface PageFormats {
  significant: (x: number) => string;
}

/**
 * What the HTML report does in the browser: theme, sorting the table of layers, and the table of units with its filters
 * and pages. The page embeds the source of this function, so it must not refer to anything outside itself.
 */
export function pageScript({ significant }: PageFormats): void {
  const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
  const pageSize = 100;

  // Theme: the system's until the reader chooses.
  const root = document.documentElement;
  const toggle = byId<HTMLButtonElement>('theme');
  const systemDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches);
  const showTheme = () => {
    toggle.textContent = isDark() ? 'Light' : 'Dark';
    toggle.setAttribute('aria-label', `Switch to ${isDark() ? 'light' : 'dark'} colours`);
  };
  toggle.hidden = false;
  toggle.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    showTheme();
  });
  systemDark.addEventListener('change', showTheme);
  showTheme();

  /** Makes the buttons in a table's head sort it: `sort(key, direction)`; a second press turns the order round. */
  const sortable = (table: HTMLTableElement, sort: (key: string, direction: 1 | -1) => void) => {
    for (const button of table.querySelectorAll<HTMLButtonElement>('thead button')) {
      button.addEventListener('click', () => {
        const head = button.closest('th')!;
        const before = head.getAttribute('aria-sort');
        const first = button.dataset.first === 'descending' ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const order = before === first ? other : first;
        for (const th of table.querySelectorAll('th[aria-sort]')) th.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', order);
        sort(button.dataset.key!, order === 'ascending' ? 1 : -1);
      });
    }
  };

  const layerTable = document.querySelector<HTMLTableElement>('#layer-table');
  if (layerTable === null) return;
  const layerBody = layerTable.tBodies[0]!;
  sortable(layerTable, (key, direction) => {
    const value = (row: HTMLTableRowElement) =>
      row.cells[Number(key)]!.dataset.value ?? row.cells[Number(key)]!.textContent!;
    const compare = (a: HTMLTableRowElement, b: HTMLTableRowElement) => {
      const x = value(a);
      const y = value(b);
      if (x === '' || y === '') return x === y ? 0 : x === '' ? 1 : -1;
      const difference = Number.isNaN(Number(x) - Number(y))
        ? x.localeCompare(y, 'en', { numeric: true })
        : Number(x) - Number(y);
      return direction * difference;
    };
    layerBody.append(...[...layerBody.rows].sort(compare));
  });

  // Units.
  const unitTable = document.querySelector<HTMLTableElement>('#unit-table');
  if (unitTable === null) return;
  const data: PageData = JSON.parse(byId('unit-data').textContent!);
  const { columns, layers, verdicts, certainties, texts, samples } = data;
  const numberOfUnits = columns.layer.length;
  const body = unitTable.tBodies[0]!;
  const layerFilter = byId<HTMLSelectElement>('filter-layer');
  const verdictFilter = byId<HTMLSelectElement>('filter-verdict');
  const textFilter = byId<HTMLInputElement>('filter-text');
  const status = byId('unit-status');
  const about = byId('layer-about');
  const pager = (step: string) =>
    unitTable.closest('section')!.querySelector<HTMLButtonElement>(`[data-page="${step}"]`)!;
  const grouped = (n: number) => n.toLocaleString('en-US');
  const lowerTexts = texts.map(text => text.toLowerCase());
  const lowerLayers = layers.map(layer => layer.name.toLowerCase());

  const order = Uint32Array.from(columns.layer, (_, unit) => unit);
  let shown = order;
  let page = 0;

  const sortBy = (key: string, direction: number) => {
    const column = columns[key as keyof typeof columns];
    // Units without a value come last in either direction; equal ones keep the order of the network.
    order.sort((a, b) => {
      const x = column[a]!;
      const y = column[b]!;
      if (x === y) return a - b;
      if (x === null || y === null) return x === null ? 1 : -1;
      return direction * (x - y) || a - b;
    });
  };

  const verdictAllowed = (choice: string) => {
    const dead = ['vanished', 'proved-dead', 'silent'];
    const well = ['healthy', 'unobserved'];
    return verdicts.map(({ name }) =>
      choice === 'any'
        ? true
        : choice === 'dead'
          ? dead.includes(name)
          : choice === 'trouble'
            ? !well.includes(name)
            : name === choice,
    );
  };

  const matches = (unit: number, words: string[]) =>
    words.every(word => {
      const cause = columns.cause[unit];
      const remedy = columns.remedy[unit];
      return (
        lowerLayers[columns.layer[unit]!]!.includes(word) ||
        verdicts[columns.verdict[unit]!]!.label.includes(word) ||
        (cause != null && lowerTexts[cause]!.includes(word)) ||
        (remedy != null && lowerTexts[remedy]!.includes(word))
      );
    });

  const filter = () => {
    const layer = layerFilter.value === '' ? null : Number(layerFilter.value);
    const allowed = verdictAllowed(verdictFilter.value);
    const words = textFilter.value
      .toLowerCase()
      .split(/\s+/)
      .filter(word => word !== '');
    shown = order.filter(
      unit =>
        (layer === null || columns.layer[unit] === layer) && allowed[columns.verdict[unit]!]! && matches(unit, words),
    );
    about.textContent = layer === null ? '' : layers[layer]!.about;
  };

  const cell = (row: HTMLTableRowElement, text: string | null, className = 'number') => {
    const td = row.insertCell();
    td.className = text === null ? `${className} none` : className;
    td.textContent = text ?? '–';
    return td;
  };
  const number = (x: number | null | undefined) => (x == null ? null : significant(x));

  const unitRow = (unit: number) => {
    const row = document.createElement('tr');
    const layer = layers[columns.layer[unit]!]!;
    const verdict = verdicts[columns.verdict[unit]!]!;
    const name = document.createElement('th');
    name.scope = 'row';
    name.className = 'name';
    name.textContent = layer.label;
    name.title = layer.name;
    row.append(name);
    cell(row, grouped(columns.index[unit]!));
    const swatch = document.createElement('span');
    swatch.className = `swatch ${verdict.name}`;
    cell(row, verdict.label, '').prepend(swatch);
    cell(row, certainties[columns.certainty[unit]!]!, '');
    const fired = columns.fired[unit];
    const firedCell = cell(row, fired == null ? null : `${grouped(fired)} of ${grouped(samples)}`);
    const low = columns.low[unit];
    const high = columns.high[unit];
    if (low != null && high != null) {
      firedCell.title = `95 % confidence interval of the firing rate: ${significant(low * 100)} to ${significant(high * 100)} %`;
    }
    for (const key of ['min', 'mean', 'max', 'deviation'] as const) cell(row, number(columns[key][unit]));
    const positive = columns.positive[unit];
    cell(row, positive == null ? null : `${significant(positive * 100)}\u00a0%`);
    for (const key of ['slope', 'bias', 'norm'] as const) cell(row, number(columns[key][unit]));
    return row;
  };

  const whyRow = (unit: number) => {
    const parts = [columns.cause[unit], columns.remedy[unit]].flatMap(text => (text == null ? [] : [texts[text]!]));
    if (parts.length === 0) return [];
    const row = document.createElement('tr');
    row.className = 'why';
    const td = row.insertCell();
    td.colSpan = unitTable.tHead!.rows[0]!.cells.length;
    const div = document.createElement('div');
    div.textContent = parts.join(' → ');
    td.append(div);
    return [row];
  };

  const render = () => {
    const pages = Math.max(1, Math.ceil(shown.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    const units = [...shown.subarray(page * pageSize, (page + 1) * pageSize)];
    body.replaceChildren(...units.flatMap(unit => [unitRow(unit), ...whyRow(unit)]));
    const range = `${grouped(page * pageSize + 1)}–${grouped(page * pageSize + units.length)} of `;
    const all = shown.length === numberOfUnits ? '' : ` (${grouped(numberOfUnits)} in all)`;
    status.textContent =
      shown.length === 0
        ? `No unit matches${all}`
        : `${pages > 1 ? range : ''}${grouped(shown.length)} ${shown.length === 1 ? 'unit' : 'units'}${all}`;
    pager('first').disabled = pager('previous').disabled = page === 0;
    pager('next').disabled = pager('last').disabled = page === pages - 1;
  };

  const refresh = () => {
    page = 0;
    filter();
    render();
  };

  for (const control of [layerFilter, verdictFilter, textFilter]) control.addEventListener('input', refresh);
  sortable(unitTable, (key, direction) => {
    sortBy(key, direction);
    refresh();
  });
  const turn = (step: string, to: () => number) =>
    pager(step).addEventListener('click', () => {
      page = to();
      render();
    });
  turn('first', () => 0);
  turn('previous', () => page - 1);
  turn('next', () => page + 1);
  turn('last', () => Number.MAX_SAFE_INTEGER);

  for (const link of layerTable.querySelectorAll<HTMLAnchorElement>('a[data-layer]')) {
    link.addEventListener('click', () => {
      layerFilter.value = link.dataset.layer!;
      refresh();
    });
  }

  sortBy('verdict', 1);
  refresh();
}
