package policies

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxXMLDepth bounds how deep elements nest.
const maxXMLDepth = 256

// soapNamespaces are those of SOAP 1.1 and 1.2.
var soapNamespaces = []string{"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}

// checkXML tells what is wrong with the form of an XML document, and with that
// of its SOAP envelope.
func checkXML(content []byte, soap bool) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	depth, roots, bodies := 0, 0, 0
	var root xml.Name
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("a document type declaration is not allowed")
		case xml.StartElement:
			switch {
			case depth == 0:
				roots, root = roots+1, t.Name
			case depth == 1 && t.Name == (xml.Name{Space: root.Space, Local: "Body"}):
				bodies++
			}
			if depth++; depth > maxXMLDepth {
				return fmt.Errorf("elements nest deeper than %d", maxXMLDepth)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte("\ufeff")))) > 0 {
				return errors.New("text stands outside of the root element")
			}
		}
	}
	if roots != 1 {
		return fmt.Errorf("the document has %d root elements", roots)
	}
	if soap && (root.Local != "Envelope" || !slices.Contains(soapNamespaces, root.Space) || bodies != 1) {
		return errors.New("the document is no SOAP envelope with a body")
	}
	return nil
}
