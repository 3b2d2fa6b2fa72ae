package edge

import (
	"fmt"
	"net/netip"
	"strings"
)

// WAF writes the restrictions as a CloudFormation template with a web ACL of AWS WAF.
func (r *Restrictions) WAF() ([]byte, error) {
	w := &waf{resources: object{}}
	written := []any{}
	for i, one := range r.List {
		var statements []any
		for _, c := range one.Conditions {
			s, err := w.condition(one.Name, c)
			if err != nil {
				return nil, fmt.Errorf("writing %s for AWS WAF: %w", one.Name, err)
			}
			statements = append(statements, s)
		}
		written = append(written, object{
			"Name": one.Name, "Priority": i, "Action": object{"Block": object{}},
			"Statement": several("AndStatement", statements), "VisibilityConfig": visibility(one.Name),
		})
	}
	w.resources["WebACL"] = object{
		"Type": "AWS::WAFv2::WebACL",
		"Properties": object{
			"Scope": object{"Ref": "Scope"}, "Description": "What toolgate refuses whatever a request says.",
			"DefaultAction": object{"Allow": object{}}, "Rules": written, "VisibilityConfig": visibility("toolgate"),
		},
	}
	return marshal(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "Restrictions of toolgate for AWS WAF. Those of CloudFront are created in us-east-1.",
		"Parameters": object{"Scope": object{
			"Type": "String", "Default": "CLOUDFRONT", "AllowedValues": []any{"CLOUDFRONT", "REGIONAL"},
			"Description": "What the web ACL is for.",
		}},
		"Resources": w.resources,
		"Outputs":   object{"WebACL": object{"Description": "The ARN of the web ACL.", "Value": object{"Fn::GetAtt": []any{"WebACL", "Arn"}}}},
	})
}

type waf struct{ resources object }

func visibility(name string) object {
	return object{"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": name}
}

// several joins statements; the language has no list of one.
func several(operator string, statements []any) any {
	if len(statements) == 1 {
		return statements[0]
	}
	return object{operator: object{"Statements": statements}}
}

func (w *waf) condition(name string, c Condition) (any, error) {
	var alternatives []any
	switch c.Field {
	case Method:
		for _, v := range c.Values {
			alternatives = append(alternatives, object{"ByteMatchStatement": object{
				"FieldToMatch": object{"Method": object{}}, "PositionalConstraint": "EXACTLY", "SearchString": v, "TextTransformations": transformations("NONE"),
			}})
		}
	case Path, DecodedPath, ContentLength:
		field, transformation := object{"UriPath": object{}}, "NONE"
		switch c.Field {
		case ContentLength:
			field = object{"SingleHeader": object{"Name": "content-length"}}
		case DecodedPath:
			transformation = "URL_DECODE"
		}
		patterns, err := packed(c.Values)
		if err != nil {
			return nil, err
		}
		for _, p := range patterns {
			alternatives = append(alternatives, object{"RegexMatchStatement": object{
				"FieldToMatch": field, "RegexString": p, "TextTransformations": transformations(transformation),
			}})
		}
	case Address:
		alternatives = w.sets(name, c)
	}
	made := several("OrStatement", alternatives)
	if c.Negated {
		return object{"NotStatement": object{"Statement": made}}, nil
	}
	return made, nil
}

func transformations(kind string) []any {
	return []any{object{"Priority": 0, "Type": kind}}
}

// packed puts alternatives together as far as an expression may be long, since each
// expression is paid for.
func packed(values []string) ([]string, error) {
	var list []string
	for _, v := range values {
		if len(v) > maxPattern {
			return nil, fmt.Errorf("%q is longer than %d characters: give the server a shorter name", v, maxPattern)
		}
		if n := len(list); n > 0 && len(list[n-1])+1+len(v) <= maxPattern {
			list[n-1] += "|" + v
			continue
		}
		list = append(list, v)
	}
	return list, nil
}

// sets makes the sets of addresses of a condition, one for each version of IP, and the
// statements that refer to them.
func (w *waf) sets(name string, c Condition) []any {
	var statements []any
	for _, version := range []string{"IPV4", "IPV6"} {
		var list []string
		for _, p := range c.Ranges {
			if p.Addr().Is4() == (version == "IPV4") {
				list = append(list, netip.Prefix.String(p))
			}
		}
		if list == nil {
			continue
		}
		id := name + strings.ToUpper(version[:1]) + strings.ToLower(version[1:])
		w.resources[id] = object{"Type": "AWS::WAFv2::IPSet", "Properties": object{
			"Scope": object{"Ref": "Scope"}, "IPAddressVersion": version, "Addresses": list,
		}}
		statements = append(statements, object{"IPSetReferenceStatement": object{"Arn": object{"Fn::GetAtt": []any{id, "Arn"}}}})
	}
	return statements
}
