package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"toolgate/shared/ledger"
)

// budget reports what was spent of budgets.
func budget(ctx context.Context, c *call) (err error) {
	flags := flag.NewFlagSet("budget", flag.ContinueOnError)
	address := flags.String("store", "", "the `URL` of the store (default $"+storeVariable+", or "+storeFile+" in the folder)")
	args, err := c.parse(flags, 1, 2)
	if err != nil {
		return err
	}
	if args[0] != "report" {
		return c.unknown(args[0], "report")
	}
	rawURL, dir := storeURL(*address, c.env), exampleDir
	if len(args) == 2 {
		dir = args[1]
	} else if rawURL == "" {
		if err := hasExample("budget report"); err != nil {
			return err
		}
	}
	store, err := commandStore(ctx, rawURL, dir, c.env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	accounts, err := ledger.Read(ctx, store, time.Now())
	if err != nil {
		return err
	}
	return printSpent(c.stdout, accounts)
}

// printSpent prints accounts: a line for each, and one for each of its tools.
func printSpent(w io.Writer, accounts []ledger.Account) error {
	if len(accounts) == 0 {
		fmt.Fprintln(w, "nothing was spent of a budget in this period or in the last one")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PERIOD\tFROM\tTO\tKEY\tTOOL\tCALLS\tSPENT\tBUDGET\tCURRENCY")
	for _, a := range accounts {
		period, end := "current", "never"
		if !a.Current {
			period = "last"
		}
		if !a.End.IsZero() {
			end = formatTime(a.End)
		}
		of := fmt.Sprintf("%s\t%s\t%s\t%s", period, formatTime(a.Start), end, printable(a.Key))
		var calls int64
		for _, t := range a.Tools {
			calls += t.Calls
		}
		fmt.Fprintf(table, "%s\tall\t%d\t%s\t%s\t%s\n", of, calls, a.Spent, a.Budget, a.Currency)
		for _, t := range a.Tools {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t\t%s\n", of, printable(t.Name), strconv.FormatInt(t.Calls, 10), t.Spent, a.Currency)
		}
	}
	return table.Flush()
}
