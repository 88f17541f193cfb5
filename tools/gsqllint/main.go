// gsqllint analyses GoogleSQL statements against tables, with GoogleSQL's own analyzer.
//
// Standard input: one JSON object per line, {"tables": ["CREATE TABLE ..."], "sql": "..."}.
// Standard output: one JSON object per line, {"ok": true, "kind": "ResolvedMergeStmt"} or {"ok": false, "error": "..."}.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	gs "github.com/goccy/go-googlesql"
)

const maxLineBytes = 64 << 20

type request struct {
	Tables []string `json:"tables"`
	SQL    string   `json:"sql"`
}

type response struct {
	OK    bool   `json:"ok"`
	Kind  string `json:"kind,omitempty"`
	Error string `json:"error,omitempty"`
}

// created is what CREATE TABLE and CREATE TABLE AS SELECT have in common.
type created interface {
	NamePath() ([]string, error)
	ColumnDefinitionList() ([]*gs.ResolvedColumnDefinition, error)
}

// linter keeps one catalog for as long as the tables stay the same: building it is most of the work.
type linter struct {
	language *gs.LanguageOptions
	types    *gs.TypeFactory
	catalog  *gs.SimpleCatalog
	folders  map[string]*gs.SimpleCatalog
	tables   string
}

// must turns errors that only a broken installation can cause into a panic; check() reports it.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func try(err error) {
	if err != nil {
		panic(err)
	}
}

func newLinter() *linter {
	language := must(gs.NewLanguageOptions())
	try(language.EnableMaximumLanguageFeatures())
	// What the open-source analyzer can do and BigQuery cannot.
	for _, feature := range []gs.LanguageFeature{
		gs.LanguageFeatureFeatureJsonTypeComparison,
		gs.LanguageFeatureFeatureGroupByArray,
		gs.LanguageFeatureFeatureArrayEquality,
		gs.LanguageFeatureFeatureArrayOrdering,
		gs.LanguageFeatureFeatureInsertOnConflictClause,
	} {
		try(language.DisableLanguageFeature(feature))
	}
	// And the other way round: not among those that are enabled above.
	try(language.EnableLanguageFeature(gs.LanguageFeatureFeatureAlterColumnSetDataType))
	try(language.SetProductMode(gs.ProductModeProductExternal))
	try(language.SetSupportsAllStatementKinds())
	try(language.EnableReservableKeyword("QUALIFY", true))
	return &linter{language: language, types: must(gs.NewTypeFactory())}
}

func (l *linter) options() *gs.AnalyzerOptions {
	options := must(gs.NewAnalyzerOptions2())
	try(options.SetLanguage(l.language))
	return options
}

// folder is the catalog of a path such as project, dataset; names between backquotes keep their case and signs.
func (l *linter) folder(path []string) *gs.SimpleCatalog {
	if len(path) == 0 {
		return l.catalog
	}
	key := strings.Join(path, "\x00")
	if found, ok := l.folders[key]; ok {
		return found
	}
	name := path[len(path)-1]
	made := must(gs.NewSimpleCatalog(name, l.types))
	try(l.folder(path[:len(path)-1]).AddCatalog2(name, made))
	l.folders[key] = made
	return made
}

func (l *linter) add(statement string) {
	output, err := gs.AnalyzeStatement(statement, l.options(), l.catalog, l.types)
	if err != nil {
		panic(fmt.Errorf("table %.60s: %w", statement, err))
	}
	create, ok := must(output.ResolvedStatement()).(created)
	if !ok {
		panic(fmt.Errorf("%.60s creates no table", statement))
	}
	path := must(create.NamePath())
	name := path[len(path)-1]
	table := must(gs.NewSimpleTable(name, 0))
	for _, column := range must(create.ColumnDefinitionList()) {
		writable := must(gs.NewSimpleColumn(name, must(column.Name()), must(column.Type()), false, true))
		try(table.AddColumn2(writable, true))
	}
	try(l.folder(path[:len(path)-1]).AddTable2(name, table))
}

func (l *linter) use(tables []string) {
	key := strings.Join(tables, ";\n")
	if l.catalog != nil && key == l.tables {
		return
	}
	l.catalog, l.folders = must(gs.NewSimpleCatalog("root", l.types)), map[string]*gs.SimpleCatalog{}
	try(l.catalog.AddBuiltinFunctionsAndTypes(&gs.BuiltinFunctionOptions{LanguageOptions: l.language}))
	for _, statement := range tables {
		l.add(statement)
	}
	l.tables = key
}

func (l *linter) check(asked request) (answer response) {
	defer func() {
		if trouble := recover(); trouble != nil {
			l.catalog = nil // half-built, perhaps
			answer = response{Error: fmt.Sprint(trouble)}
		}
	}()
	if strings.TrimSpace(asked.SQL) == "" {
		panic(errors.New("no sql"))
	}
	l.use(asked.Tables)
	output, err := gs.AnalyzeStatement(asked.SQL, l.options(), l.catalog, l.types)
	if err != nil {
		return response{Error: err.Error()}
	}
	kind := fmt.Sprintf("%T", must(output.ResolvedStatement()))
	return response{OK: true, Kind: strings.TrimPrefix(kind, "*googlesql.")}
}

func main() {
	try(gs.Init())
	linter := newLinter()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), maxLineBytes)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			try(answers.Encode(response{Error: err.Error()}))
			continue
		}
		try(answers.Encode(linter.check(asked)))
	}
	try(lines.Err())
}
