-- Symbols that users have added and removed, on top of what the settings and the feed files ask for.

CREATE TABLE symbol_choices (
    changed_at timestamptz NOT NULL DEFAULT now(),
    is_wanted boolean NOT NULL,
    symbol text NOT NULL CHECK (symbol ~ '^[A-Z0-9.-]{1,24}$'),
    -- '': every enabled feed that has a name for the symbol. Such a word takes the place of all earlier ones about the symbol,
    -- so that one about a single feed is always the later one.
    feed text NOT NULL DEFAULT '' CHECK (feed ~ '^[a-z0-9_-]{0,24}$'),
    PRIMARY KEY (symbol, feed)
);

CREATE TRIGGER symbol_choices_changed
    AFTER INSERT OR UPDATE OR DELETE ON symbol_choices
    FOR EACH STATEMENT EXECUTE FUNCTION tickwire_notify('tickwire_symbols');
